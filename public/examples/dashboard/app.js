// The server sends a `point` each second, and to who comes the `recent` ones. `target` is what the temperature goes to.

import { byId, connect } from "../common.js";

const SHOWN = 60_000; // ms
const socket = connect();
let points = []; // { time, temperature, target, people, events, awake }, the oldest first

socket.on("recent", (recent) => {
  points = recent;
  show();
});

socket.on("point", (point) => {
  points.push(point);
  show();
});

socket.on("target", setSlider);
byId("target").addEventListener("input", () => setSlider(byId("target").valueAsNumber));
byId("target").addEventListener("change", () => socket.emit("target", byId("target").valueAsNumber));

function setSlider(target) {
  byId("target").value = target;
  byId("target-shown").textContent = `${target.toFixed(1)} °C`;
}

function show() {
  const newest = points.at(-1);
  if (!newest) return;
  points = points.filter(({ time }) => newest.time - time <= SHOWN);
  byId("temperature").textContent = newest.temperature.toFixed(1);
  byId("people").textContent = newest.people;
  byId("events").textContent = newest.events;
  byId("awake").textContent = duration(newest.awake);
  draw("temperature-line", ({ temperature }) => temperature);
  draw("target-line", ({ target }) => target);
  if (!byId("target").matches(":focus, :active")) setSlider(newest.target);

  /** A second is one unit wide and a degree one high; the newest point is at the right, and 30 °C at the top. */
  function draw(line, value) {
    const place = (point) => `${60 - (newest.time - point.time) / 1000},${30 - value(point)}`;
    byId(line).setAttribute("points", points.map(place).join(" "));
  }
}

function duration(ms) {
  const seconds = Math.round(ms / 1000);
  const parts = seconds < 3600 ? [seconds / 60, seconds % 60] : [seconds / 3600, (seconds / 60) % 60];
  const [large, small] = parts.map(Math.floor);
  return seconds < 3600 ? `${large}:${String(small).padStart(2, "0")}` : `${large} h ${small} min`;
}
