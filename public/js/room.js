// The page of one room: reads the room from the address, asks for a name, and
// wires the connection to the conversation, the roster and the message box.

import { io } from "/socket.io/socket.io.esm.min.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { byId, copyText, el, nameNode, timeNode } from "./dom.js";
import { Identity } from "./identity.js";
import { NameDialog } from "./name-dialog.js";
import { ROOM_RULE, roomFromPath, roomPath } from "./room-name.js";
import { Roster, wirePanel } from "./roster.js";
import { Timeline } from "./timeline.js";

const room = roomFromPath(location.pathname);
if (room) enterRoom();
else showNoRoom();

function showNoRoom() {
  byId("no-room-rule").textContent = ROOM_RULE;
  byId("no-room").showModal();
}

function enterRoom() {
  const link = location.origin + roomPath(room);
  const identity = new Identity();
  const unread = unreadTitle(`${room} · roomcast`);
  for (const node of document.querySelectorAll("[data-room]")) node.textContent = room;
  byId("room-link").append(el("span", {}, location.origin), el("span", {}, roomPath(room)));

  const roster = new Roster(byId("roster"), document.querySelectorAll("[data-count]"));
  const closePanel = wirePanel(byId("people-toggle"), byId("people"), byId("people-close"));
  let connection = null;

  const timeline = new Timeline(byId("log"), byId("newer"), {
    retry: (key) => connection.retry(key),
    discard: (key) => connection.discard(key),
  });

  const composer = new Composer(
    { form: byId("composer"), input: byId("message"), counter: byId("counter"), error: byId("message-error") },
    (text) => {
      const entry = connection.send(text);
      timeline.outgoing(entry, identity.name);
    },
  );

  const dialog = new NameDialog(byId("name-dialog"), async (name) => {
    if (connection && name !== identity.name) await connection.rename(name);
    identity.remember(name);
    showOwnName();
    if (connection) roster.rename(name);
    else connect();
    // Focus goes to the message box once the dialog has given its own back.
    queueMicrotask(() => setTimeout(() => composer.focus()));
  });

  function showOwnName() {
    byId("own-name").textContent = identity.name;
  }

  function connect() {
    connection = new Connection(io, room, identity.name, handlers);
    connection.open();
    // A page left behind is out of the room at once, also when it is kept to go back to.
    window.addEventListener("pagehide", () => connection.close());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) connection.open();
    });
  }

  const handlers = {
    state({ state, words, canRetry }) {
      const node = byId("state");
      node.dataset.state = state;
      byId("state-words").textContent = words;
      byId("reconnect").hidden = !canRetry;
      document.body.dataset.connection = state;
    },
    joined({ id, members, lostAt }) {
      roster.replace(members, id);
      if (lostAt) {
        timeline.note("You were away from ", timeNode(lostAt), " to ", timeNode(Date.now()),
          ". What others said meanwhile isn't shown.");
      }
    },
    refused({ code, message }) {
      if (code === "invalid_name") dialog.ask("enter", identity.name, message);
      else handlers.notice(message);
    },
    outgoing: (entry) => timeline.outgoing(entry, identity.name),
    notice(sentence) {
      byId("notice").textContent = sentence;
      byId("notice").hidden = sentence === "";
    },
    newMessage({ author, text, time }) {
      timeline.add({ key: author.id, name: author.name, text, time });
      unread.add();
    },
    newIncomingMessage({ author, message }) {
      const name = String(author);
      timeline.add({ key: `guest:${name}`, name, text: String(message), time: Date.now(), guest: true });
      unread.add();
    },
    memberJoined({ id, name }) {
      if (!roster.has(id)) timeline.note(nameNode(name), " joined");
      roster.set(id, name);
    },
    memberLeft({ id, name }) {
      roster.remove(id);
      timeline.note(nameNode(name), " left");
    },
    memberRenamed({ id, name }) {
      timeline.note(nameNode(roster.nameOf(id) ?? "Somebody"), " is now called ", nameNode(name));
      roster.set(id, name);
    },
    error: ({ message }) => handlers.notice(String(message)),
  };

  byId("reconnect").addEventListener("click", () => connection.open());
  byId("rename").addEventListener("click", () => {
    closePanel();
    dialog.ask("rename", identity.name);
  });
  for (const button of document.querySelectorAll("[data-copy]")) wireCopy(button, link);

  if (identity.name) {
    showOwnName();
    connect();
    composer.focus();
  } else {
    dialog.ask("enter");
  }
}

/** The button says how it went, and so does the page's status line for screen readers. */
function wireCopy(button, link) {
  const label = button.querySelector("span");
  const before = label.textContent;
  let timer = 0;
  button.addEventListener("click", async () => {
    const done = await copyText(link);
    button.dataset.done = String(done);
    label.textContent = done ? "Copied" : "Not copied";
    byId("said").textContent = done ? "Link copied." : `The link can't be copied. It is ${link}`;
    clearTimeout(timer);
    timer = setTimeout(() => {
      label.textContent = before;
      byId("said").textContent = "";
      delete button.dataset.done;
    }, 2500);
  });
}

/** The page's title, with the number of messages that came while it was out of sight. */
function unreadTitle(title) {
  let count = 0;
  const show = () => {
    document.title = count > 0 ? `(${count}) ${title}` : title;
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) count = 0;
    show();
  });
  show();
  return {
    add() {
      if (document.hidden) count += 1;
      show();
    },
  };
}
