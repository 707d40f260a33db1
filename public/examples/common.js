// What the examples share: the connection to this page's room, and the bar that shows how it does.

import { io } from "/socket.io/4.8.4/socket.io.esm.min.js";

export const byId = (id) => document.getElementById(id);

/** The room of this page's address, `/r/<room>`. */
export const room = /^\/r\/([\w-]+)$/.exec(location.pathname)?.[1] ?? "lobby";

/** Connects to the room: its Socket.IO server is below its address. */
export function connect() {
  const socket = io({ path: `/r/${room}/socket.io/` });
  socket.on("connect", () => show("online", "Connected"));
  socket.on("disconnect", () => show(socket.active ? "connecting" : "offline", socket.active ? "Connection lost" : "Disconnected"));
  socket.on("connect_error", () => show(socket.active ? "connecting" : "offline", "Not connected"));
  return socket;
}

function show(state, words) {
  byId("state").dataset.state = state;
  byId("state").textContent = words;
}

byId("room").textContent = room;
document.title += ` · ${room}`;
