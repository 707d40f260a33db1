// The landing page: start a new room, or join one by its name or link.

import { byId, setFieldError } from "./dom.js";
import { newRoomName, roomFromInput, roomPath } from "./room-name.js";

const form = byId("join-form");
const input = byId("join-room");
const error = byId("join-error");

byId("new-room").addEventListener("click", () => {
  location.assign(roomPath(newRoomName()));
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const found = roomFromInput(input.value, location.host);
  setFieldError(input, error, found.error ?? "");
  if (found.room) location.assign(roomPath(found.room));
  else input.focus();
});

input.addEventListener("input", () => setFieldError(input, error, ""));

byId("origin").textContent = location.origin;
