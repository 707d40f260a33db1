// Sends what you type as `message`, and shows what comes back as `message`, and after how long.

import { byId, connect } from "../common.js";

const socket = connect();
const sent = []; // when each message went out: what comes back comes in the same order
const times = [];

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  sent.push(performance.now());
  socket.emit("message", byId("text").value);
  byId("text").select();
});

socket.on("message", (text) => {
  const ms = performance.now() - sent.shift();
  times.push(ms);
  times.sort((a, b) => a - b);
  byId("last").textContent = ms.toFixed(1);
  byId("typical").textContent = times[times.length >> 1].toFixed(1);
  byId("fastest").textContent = times[0].toFixed(1);

  const line = document.createElement("li");
  line.dataset.testid = "echo";
  line.dataset.ms = `${ms.toFixed(1)} ms`;
  line.textContent = text;
  byId("echoes").prepend(line);
});

// What was on its way then may never come back.
socket.on("disconnect", () => (sent.length = 0));
