// The picture: strokes on a canvas, in the colours of the page.

/** How wide and how high the board is, however large the canvas. */
export const WIDTH = 1600;
export const HEIGHT = 1200;

export class Board {
  strokes = []; // { id, colour, width, points }; what the server doesn't know yet has no id
  live = new Map(); // unfinished ones, by who draws them
  cursor = null; // where the keyboard's pen is
  #canvas;
  #pending = false;

  constructor(canvas) {
    this.#canvas = canvas;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  add(stroke) {
    this.strokes.push(stroke);
    this.draw();
  }

  remove(stroke) {
    this.strokes = this.strokes.filter((other) => other !== stroke);
    this.draw();
  }

  /** Draws it all anew, once a frame at most. */
  draw() {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      const colours = getComputedStyle(this.#canvas);
      const pen = this.#emptied();
      pen.lineCap = pen.lineJoin = "round";
      // In the order in which the server keeps them, those that it doesn't know yet last: the same picture for everybody.
      this.strokes.sort((a, b) => (a.id ?? Infinity) - (b.id ?? Infinity));
      for (const stroke of [...this.strokes, ...this.live.values()]) {
        pen.strokeStyle = colours.getPropertyValue(`--ink-${stroke.colour}`);
        pen.lineWidth = stroke.width;
        pen.stroke(stroke.id ? (stroke.path ??= outline(stroke.points)) : outline(stroke.points));
      }
      if (this.cursor) this.#drawCursor(pen, colours.color);
      this.#canvas.dataset.strokes = this.strokes.length;
    });
  }

  #emptied() {
    this.#canvas.width = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    this.#canvas.height = (this.#canvas.width * HEIGHT) / WIDTH;
    const pen = this.#canvas.getContext("2d");
    pen.scale(this.#canvas.width / WIDTH, this.#canvas.width / WIDTH);
    return pen;
  }

  #drawCursor(pen, colour) {
    pen.strokeStyle = colour;
    pen.lineWidth = 4;
    pen.beginPath();
    pen.arc(...this.cursor, 24, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/** A smooth line: each point bends it on its way from the middle of two points to the next one. */
function outline(points) {
  const line = new Path2D();
  line.moveTo(points[0], points[1]);
  for (let at = 2; at + 3 < points.length; at += 2) {
    const [x, y, nextX, nextY] = points.slice(at, at + 4);
    line.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  line.lineTo(points.at(-2), points.at(-1) + 0.1); // even a single point has a length then, and is drawn
  return line;
}
