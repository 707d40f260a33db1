// The chat that Socket.IO tutorials build: `createdMessage` goes out, everybody else gets `newIncomingMessage`.

import { byId, connect } from "../common.js";

const socket = connect();
let author;

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  author = byId("author").value;
  byId("door").hidden = true;
  byId("chat").hidden = false;
  byId("message").focus();
});

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const message = byId("message").value;
  socket.emit("createdMessage", { author, message });
  show({ author: "You", message }).classList.add("own");
  byId("message").value = "";
});

socket.on("newIncomingMessage", show);

function show({ author, message }) {
  const name = document.createElement("b");
  name.textContent = author;
  const line = document.createElement("li");
  line.dataset.testid = "message";
  line.append(name, message);
  byId("messages").append(line);
  line.scrollIntoView({ block: "nearest" });
  return line;
}
