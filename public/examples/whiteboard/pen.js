// The pen, by pointer or by keyboard: calls `down`, `move` and `up` with places on the board; and `over` with
// the place of the keyboard's pen, or with `null` where there is none.

import { HEIGHT, WIDTH } from "./board.js";

export function listenToPen(canvas, pen) {
  const inside = (value, end) => Math.round(Math.min(end, Math.max(0, value)));
  const at = (x, y) => [inside(x, WIDTH), inside(y, HEIGHT)];

  let pointer = null; // the one that draws; a second finger doesn't
  const pointed = ({ offsetX, offsetY }) =>
    at((offsetX / canvas.clientWidth) * WIDTH, (offsetY / canvas.clientHeight) * HEIGHT);
  const lift = ({ pointerId }) => {
    if (pointerId !== pointer) return;
    pointer = null;
    pen.up();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    lower(false);
    pen.over(null);
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    pen.down(pointed(event));
  });
  canvas.addEventListener("pointermove", (event) => event.pointerId === pointer && pen.move(pointed(event)));
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  let place = at(WIDTH / 2, HEIGHT / 2);
  let lowered = false;
  const lower = (down) => {
    if (down === lowered) return;
    lowered = down;
    if (down) pen.down(place);
    else pen.up();
  };
  const steps = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] };
  canvas.addEventListener("keydown", (event) => {
    if (pointer !== null) return;
    if (event.key === " ") lower(!lowered);
    else if (steps[event.key]) {
      place = at(place[0] + steps[event.key][0], place[1] + steps[event.key][1]);
      if (lowered) pen.move(place);
    } else return;
    event.preventDefault();
    pen.over(place);
  });
  canvas.addEventListener("blur", () => {
    lower(false);
    pen.over(null);
  });
}
