// The start page: a new room with a name that nobody guesses, or one that is known.

const open = (room) => location.assign(`/r/${room}`);

document.getElementById("new").addEventListener("click", () => open(crypto.randomUUID().slice(0, 8)));

document.getElementById("join").addEventListener("submit", (event) => {
  event.preventDefault();
  open(event.target.room.value);
});
