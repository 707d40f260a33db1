// A stroke is sent as `drawing` again and again while it is drawn, which may get lost, and as `stroke` when it is done, which
// the server keeps. Its points are bytes, two 16-bit numbers a point. Whoever comes asks for the `picture`.

import { byId, connect } from "../common.js";
import { Board } from "./board.js";
import { listenToPen } from "./pen.js";

const MOST_POINTS = 500; // of a stroke, which the server wants
const LIVE = 50; // ms between two looks at an unfinished stroke

const socket = connect();
const board = new Board(byId("board"));
let own = null; // the stroke that is being drawn here: { colour, width, points }
let shownAt = 0; // when the others were last shown it

const packed = (stroke) => ({ ...stroke, points: Uint16Array.from(stroke.points) });
const unpacked = (stroke) => ({ ...stroke, points: new Uint16Array(stroke.points) });

// What is drawn here.

listenToPen(byId("board"), {
  down(point) {
    const colour = Number(document.querySelector("[name=colour]:checked").value);
    own = { colour, width: byId("width").valueAsNumber, points: [...point] };
    board.live.set(own, own);
    board.draw();
  },
  move(point) {
    own.points.push(...point);
    board.draw();
    if (own.points.length === 2 * MOST_POINTS) {
      this.up();
      this.down(point);
    } else if (performance.now() - shownAt > LIVE) {
      shownAt = performance.now();
      socket.volatile.emit("drawing", packed(own));
    }
  },
  up() {
    const done = own;
    own = null;
    // The server says by which id it keeps the stroke, or why it doesn't.
    socket.emit("stroke", packed(done), ({ id, message }) => {
      board.live.delete(done);
      if (id) board.add({ ...done, id });
      else byId("notice").textContent = message;
      board.draw();
    });
  },
  over(point) {
    board.cursor = point;
    board.draw();
  },
});

byId("undo").addEventListener("click", () => socket.emit("undo"));
byId("clear").addEventListener("click", () => socket.emit("clear"));

// What is drawn elsewhere.

socket.on("connect", () => socket.emit("picture", ({ strokes, points }) => {
  const all = new Uint16Array(points);
  let at = 0;
  board.show(strokes.map(({ length, ...stroke }) => ({ ...stroke, points: all.subarray(at, (at += length)) })));
  // What isn't in it and was waiting for its answer won't get one any more.
  board.live.clear();
  if (own) board.live.set(own, own);
}));

socket.on("drawing", ({ by, ...stroke }) => {
  const shown = unpacked(stroke);
  board.live.set(by, shown);
  board.draw();
  // Whoever draws it may be gone before it is done.
  setTimeout(() => board.live.get(by) === shown && board.live.delete(by) && board.draw(), 5_000);
});

socket.on("stroke", ({ by, ...stroke }) => {
  board.live.delete(by);
  board.add(unpacked(stroke));
});

socket.on("undone", (id) => board.show(board.strokes.filter((stroke) => stroke.id !== id)));
socket.on("cleared", () => board.show([]));
