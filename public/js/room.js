// The page of one room: reads the room from the address, asks for a name, and
// wires the connection to the conversation, the roster and the message box.

import { io } from "/socket.io/4.8.4/socket.io.esm.min.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { wireCopy } from "./copy-link.js";
import { byId, el, nameNode, timeNode } from "./dom.js";
import { Identity } from "./identity.js";
import { NameDialog } from "./name-dialog.js";
import { ROOM_RULE, roomFromPath, roomPath } from "./room-name.js";
import { Roster, wirePanel } from "./roster.js";
import { Timeline } from "./timeline.js";
import { unreadTitle } from "./unread.js";

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
  let self = null; // the id by which the room knows us
  let away = null; // since when, and behind which message, we have missed what was said

  const timeline = new Timeline(
    { log: byId("log"), newer: byId("newer"), older: byId("older"), welcome: byId("welcome") },
    {
      retry: (key) => connection.retry(key),
      discard: (key) => connection.discard(key),
      older: () => connection?.older(),
      trimmed: (id) => connection.trimmed(id),
    },
  );

  const composer = new Composer(
    { form: byId("composer"), input: byId("message"), counter: byId("counter"), error: byId("message-error") },
    (text) => {
      const entry = connection.send(text);
      timeline.outgoing(entry, identity.name);
    },
  );

  const dialog = new NameDialog(byId("name-dialog"), async (name) => {
    if (connection) await connection.rename(name);
    takeName(name);
    if (!connection) connect();
    // Focus goes to the message box once the dialog has given its own back.
    queueMicrotask(() => setTimeout(() => composer.focus()));
  });

  function takeName(name) {
    identity.remember(name);
    byId("own-name").textContent = name;
    roster.rename(name);
  }

  function connect() {
    connection = new Connection(io, room, { name: identity.name, key: identity.keyFor(room) }, handlers);
    connection.open();
    // A page left behind is out of the room at once, also when it is kept to go back to.
    window.addEventListener("pagehide", () => connection.close());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) connection.open();
    });
  }

  /** A message of the room in the timeline's words. */
  function shown({ id, time, author, text }) {
    const guest = author.id === undefined;
    // Under another name, even the same author's messages begin with a head.
    return { id, time, text, guest, name: author.name, author: JSON.stringify(author), own: !guest && author.id === self };
  }

  const history = {
    latest: (messages) => timeline.page(messages.map(shown)),
    missed(messages) {
      if (away) timeline.note(absence(away.from, Date.now()), away.after);
      away = null;
      timeline.page(messages.map(shown), { missed: true });
      unread.add(messages.length);
      if (messages.length > 0) say(`${messages.length === 1 ? "1 message" : `${messages.length} messages`} came while you were away.`);
    },
    older(messages) {
      timeline.page(messages.map(shown));
      say("Older messages are shown.");
    },
    anew(messages) {
      timeline.clear();
      timeline.page(messages.map(shown));
      timeline.note(["Much was said while you were away: it is above."]);
    },
    reach: (reach) => timeline.reach(reach),
    failed: ({ message }) => handlers.notice(message),
  };

  const handlers = {
    history,
    state({ state, words, canRetry }) {
      const node = byId("state");
      node.dataset.state = state;
      byId("state-words").textContent = words;
      byId("reconnect").hidden = !canRetry;
      document.body.dataset.connection = state;
    },
    joined(reply) {
      self = reply.id;
      away = reply.away;
      roster.replace(reply.members, self);
    },
    members: (members) => roster.add(members),
    refused({ code, message }) {
      if (code === "invalid_name") dialog.ask("enter", identity.name, message);
      else handlers.notice(message);
    },
    outgoing: (entry) => timeline.outgoing(entry, identity.name),
    notice(sentence) {
      byId("notice").textContent = sentence;
      byId("notice").hidden = sentence === "";
    },
    message(message) {
      timeline.add(shown(message));
      if (message.author.id !== self) unread.add();
    },
    guest({ author, message }) {
      timeline.add(shown({ author: { name: String(author) }, text: String(message), time: Date.now() }));
      unread.add();
    },
    memberJoined({ id, name }) {
      if (!roster.has(id)) timeline.note([nameNode(name), " joined"]);
      roster.set(id, name);
    },
    memberLeft({ id, name }) {
      if (roster.has(id)) timeline.note([nameNode(name), " left"]);
      roster.remove(id);
    },
    memberRenamed({ id, name }) {
      const before = roster.nameOf(id);
      if (id === self) takeName(name); // In another tab.
      else if (before !== name) timeline.note([nameNode(before ?? "Somebody"), " is now called ", nameNode(name)]);
      roster.set(id, name);
    },
    memberAway: ({ id }) => roster.away(id, true),
    memberBack: ({ id }) => roster.away(id, false),
  };

  byId("reconnect").addEventListener("click", () => connection.open());
  byId("rename").addEventListener("click", () => {
    closePanel();
    dialog.ask("rename", identity.name);
  });
  for (const button of document.querySelectorAll("[data-copy]")) wireCopy(button, link, say);

  if (identity.name) {
    takeName(identity.name);
    connect();
    composer.focus();
  } else {
    dialog.ask("enter");
  }
}

function absence(from, to) {
  const [start, end] = [timeNode(from), timeNode(to)];
  return start.textContent === end.textContent ? ["You were away for a moment."] : ["You were away from ", start, " to ", end, "."];
}

/** For screen readers alone. */
function say(sentence) {
  byId("said").textContent = sentence;
}
