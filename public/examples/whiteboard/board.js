// The picture: strokes on a canvas, in the colours of the page.

/** How wide and how high the board is, however large the canvas. */
export const WIDTH = 1600;
export const HEIGHT = 1200;

export class Board {
  strokes = []; // what the server keeps, in its order: { id, colour, width, points }
  live = new Map(); // what it doesn't keep yet, by who draws it
  cursor = null; // where the keyboard's pen is
  #canvas;
  #layer = document.createElement("canvas"); // the strokes are drawn here once, and then copied
  #drawn = 0; // how many of them
  #pending = false;

  constructor(canvas) {
    this.#canvas = canvas;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show(this.strokes));
    new ResizeObserver(() => this.show(this.strokes)).observe(canvas);
  }

  /** Shows these strokes in place of those before. */
  show(strokes) {
    this.strokes = strokes;
    this.#drawn = 0;
    this.draw();
  }

  /** Shows one more. */
  add(stroke) {
    this.strokes.push(stroke);
    this.draw();
  }

  /** Has it drawn, once a frame at most. */
  draw() {
    if (!this.#pending) requestAnimationFrame(() => this.#draw());
    this.#pending = true;
  }

  #draw() {
    this.#pending = false;
    const pixels = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    const layer = this.#drawn === 0 ? emptied(this.#layer, pixels) : this.#layer.getContext("2d");
    for (const stroke of this.strokes.slice(this.#drawn)) this.#stroke(layer, stroke);
    this.#drawn = this.strokes.length;

    const pen = emptied(this.#canvas, pixels);
    pen.drawImage(this.#layer, 0, 0, WIDTH, HEIGHT);
    for (const stroke of this.live.values()) this.#stroke(pen, stroke);
    if (this.cursor) this.#ring(pen, this.cursor);
    this.#canvas.dataset.strokes = this.strokes.length;
  }

  #stroke(pen, { colour, width, points }) {
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = width;
    pen.strokeStyle = getComputedStyle(this.#canvas).getPropertyValue(`--ink-${colour}`);
    pen.stroke(outline(points));
  }

  #ring(pen, place) {
    pen.lineWidth = 4;
    pen.strokeStyle = getComputedStyle(this.#canvas).color;
    pen.beginPath();
    pen.arc(...place, 24, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/** A canvas made so many pixels wide, which also empties it; with a pen that knows only the board's measures. */
function emptied(canvas, pixels) {
  canvas.width = pixels;
  canvas.height = (pixels * HEIGHT) / WIDTH;
  const pen = canvas.getContext("2d");
  pen.scale(pixels / WIDTH, pixels / WIDTH);
  return pen;
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
