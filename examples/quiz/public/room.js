// A player's page: it shows what the server says of the game, and sends what the player chooses.

/* global io */

const byId = (id) => document.getElementById(id);
const room = location.pathname.split("/")[2];

// The secret by which this browser is known again, and the name it had last.
localStorage.quizKey ??= crypto.randomUUID();
byId("name").value = localStorage.quizName ?? "";
byId("room").textContent = room;
document.title = `Quiz ${room}`;

const socket = io({
  path: `/r/${room}/socket.io/`,
  autoConnect: false,
  auth: (send) => send({ key: localStorage.quizKey, name: byId("name").value.trim() }),
});

let game = null; // as the server told it last
let ends = 0; // when the phase ends, on this page's clock
let chosen = null; // { round, choice } that was answered here
let note = "";

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  localStorage.quizName = byId("name").value.trim();
  show("connecting", "Connecting");
  socket.disconnect().connect();
});

byId("start").addEventListener("click", () => socket.emit("start"));

socket.on("connect", () => {
  show("online", "Connected");
  byId("refused").textContent = "";
  for (const [id, hidden] of [["enter", true], ["game", false], ["board", false]]) byId(id).hidden = hidden;
});
socket.on("disconnect", () => show(socket.active ? "connecting" : "offline", socket.active ? "Connection lost" : "Disconnected"));
socket.on("connect_error", (error) => {
  show(socket.active ? "connecting" : "offline", "Not connected");
  // The server refused: another name may do.
  if (!socket.active) {
    byId("refused").textContent = error.message;
    byId("enter").hidden = false;
  }
});

socket.on("game", (news) => {
  if (news.round !== game?.round || news.phase === "lobby") note = "";
  game = news;
  ends = performance.now() + news.left;
  draw();
});

function answer(choice) {
  const { round } = game;
  chosen = { round, choice };
  note = "";
  draw();
  socket.timeout(5_000).emit("answer", round, choice, (lost, failure) => {
    // Whether it arrived isn't known: to choose again does no harm, since the server takes one answer a round.
    if (lost) chosen = null;
    note = lost ? "The answer got lost: choose again." : failure?.message ?? "Your answer is in.";
    draw();
  });
}

const TITLES = { lobby: "Waiting for players", over: "That’s it!" };

function draw() {
  const { phase, round, rounds, players } = game;
  const playing = phase === "question" || phase === "answer";
  const own = players.find(({ name }) => name === localStorage.quizName);
  byId("round").textContent = playing ? `Question ${round + 1} of ${rounds}` : "";
  byId("points").textContent = `${own?.score ?? 0} points`;
  byId("question").textContent = playing ? game.question : TITLES[phase];
  byId("choices").replaceChildren(...(playing ? game.choices.map(choiceButton) : []));
  byId("start").hidden = playing;
  byId("start").textContent = phase === "over" ? "Play again" : "Start the quiz";
  byId("clock").hidden = !playing;
  byId("note").textContent = phase === "over" ? `${players[0]?.name ?? "Nobody"} wins.` : note;
  byId("players").replaceChildren(...players.map(playerRow));
}

function choiceButton(text, choice) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  const mine = chosen?.round === game.round && chosen.choice === choice;
  button.dataset.testid = "choice";
  button.disabled = game.phase !== "question" || chosen?.round === game.round;
  button.setAttribute("aria-pressed", mine);
  if (game.phase === "answer") button.dataset.verdict = choice === game.right ? "right" : mine ? "wrong" : "";
  button.addEventListener("click", () => answer(choice));
  return button;
}

function playerRow({ name, score, here, answered }) {
  const row = document.createElement("li");
  row.dataset.testid = "player";
  row.classList.toggle("away", !here);
  for (const [part, text] of Object.entries({ name, mark: answered && game.phase === "question" ? "✓" : "", score })) {
    row.append(Object.assign(document.createElement("span"), { className: part, textContent: text }));
  }
  return row;
}

function show(state, words) {
  byId("state").dataset.state = state;
  byId("state").textContent = words;
}

// The clock, at the screen's pace.
let length = 1;
function tick() {
  const left = Math.max(0, ends - performance.now());
  length = Math.max(left, length * (left > 0));
  byId("clock").value = length ? left / length : 0;
  requestAnimationFrame(tick);
}
tick();
