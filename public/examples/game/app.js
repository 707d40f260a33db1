// The server moves the dots: clients `steer` by saying where they want to go, and 20 times a second it sends a `tick` with
// everybody's place while anybody moves. Between two ticks, dots are drawn on their way from the one to the other.

import { byId, connect } from "../common.js";

const SIZE = 1000; // of the field, both ways
const RADIUS = 34; // of a dot
const TICK = 50; // ms
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const socket = connect();
const field = byId("field");
const held = new Set(); // arrow keys
let players = new Map(); // by id: { id, number, score, x, y, from: { x, y } }
let star, burst;
let tickAt = 0;
let steeredAt = 0;

socket.on("tick", (tick) => {
  const now = performance.now();
  const shown = new Map([...players].map(([id, player]) => [id, place(player, now)]));
  const scored = tick.players.find(({ id, score }) => score > (players.get(id)?.score ?? score));
  if (scored) burst = { ...star, number: scored.number, at: now };
  if (scored?.id === socket.id) byId("said").textContent = `${scored.score} stars`;
  players = new Map(tick.players.map((player) => [player.id, { ...player, from: shown.get(player.id) ?? player }]));
  star = tick.star;
  tickAt = now;
  showScores();
});

/** Where a player is drawn. */
function place({ from, x, y }, now) {
  const way = Math.min(1, (now - tickAt) / TICK);
  return { x: from.x + (x - from.x) * way, y: from.y + (y - from.y) * way };
}

const colour = (number) => `oklch(.68 .17 ${(number * 137.5 + 20) % 360})`;

// Steering: to a point, or with `null` no further.

field.addEventListener("keydown", (event) => hold(event, true));
field.addEventListener("keyup", (event) => hold(event, false));
field.addEventListener("blur", () => held.size && (held.clear(), steerByKeys()));

function hold(event, down) {
  if (!ARROWS[event.key]) return;
  event.preventDefault();
  if (event.repeat) return;
  if (down) held.add(event.key);
  else held.delete(event.key);
  steerByKeys();
}

function steerByKeys() {
  const me = players.get(socket.id);
  const [dx, dy] = [0, 1].map((axis) => [...held].reduce((sum, key) => sum + ARROWS[key][axis], 0));
  const far = me && (dx || dy) && { x: me.x + dx * SIZE, y: me.y + dy * SIZE };
  socket.emit("steer", far || null);
}

field.addEventListener("pointerdown", (event) => {
  field.setPointerCapture(event.pointerId);
  socket.emit("steer", pointed(event));
});
field.addEventListener("pointermove", (event) => {
  if (!field.hasPointerCapture(event.pointerId) || performance.now() - steeredAt < TICK) return;
  steeredAt = performance.now();
  socket.volatile.emit("steer", pointed(event)); // the next one makes it obsolete: it may be lost
});
field.addEventListener("pointerup", (event) => socket.emit("steer", pointed(event)));

function pointed({ offsetX, offsetY }) {
  const scale = SIZE / field.clientWidth;
  return { x: offsetX * scale, y: offsetY * scale };
}

// Drawing.

function showScores() {
  const best = [...players.values()].sort((a, b) => b.score - a.score || a.number - b.number);
  const lines = best.map(({ id, number, score }) => {
    const line = document.createElement("li");
    line.style.setProperty("--colour", colour(number));
    line.dataset.score = score;
    line.textContent = `Player ${number}${id === socket.id ? " (you)" : ""}`;
    return line;
  });
  byId("scores").replaceChildren(...lines);
}

function draw(now) {
  const pixels = Math.round(field.clientWidth * devicePixelRatio);
  if (field.width !== pixels) field.width = field.height = pixels;
  const pen = field.getContext("2d");
  pen.setTransform(pixels / SIZE, 0, 0, pixels / SIZE, 0, 0);
  pen.clearRect(0, 0, SIZE, SIZE);
  if (star) drawStar(pen, star, 38 + 4 * Math.sin(now / 250));
  for (const player of players.values()) drawPlayer(pen, player, place(player, now));
  if (burst) drawBurst(pen, (now - burst.at) / 500);
  requestAnimationFrame(draw);
}

function drawStar(pen, { x, y }, radius) {
  pen.beginPath();
  for (let tip = 0; tip < 10; tip += 1) {
    const [angle, length] = [(tip * Math.PI) / 5 - Math.PI / 2, tip % 2 ? radius * 0.45 : radius];
    pen.lineTo(x + length * Math.cos(angle), y + length * Math.sin(angle));
  }
  pen.closePath();
  pen.fillStyle = "#f7bd48";
  pen.strokeStyle = "#b47a00";
  pen.lineWidth = 3;
  pen.fill();
  pen.stroke();
}

function drawPlayer(pen, { id, number }, { x, y }) {
  pen.beginPath();
  pen.arc(x, y, RADIUS, 0, 2 * Math.PI);
  pen.fillStyle = colour(number);
  pen.fill();
  if (id === socket.id) {
    pen.lineWidth = 6;
    pen.strokeStyle = getComputedStyle(field).color;
    pen.stroke();
  }
  pen.fillStyle = "#10201a";
  pen.font = "bold 36px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(number, x, y + 3);
}

function drawBurst(pen, age) {
  if (age > 1) return;
  pen.globalAlpha = 1 - age;
  pen.lineWidth = 8;
  pen.strokeStyle = colour(burst.number);
  pen.beginPath();
  pen.arc(burst.x, burst.y, 40 + 100 * age, 0, 2 * Math.PI);
  pen.stroke();
  pen.globalAlpha = 1;
}

requestAnimationFrame(draw);
