// A button that copies the room's link, and says how it went: itself, and the page's
// status line for screen readers.

import { copyText } from "./dom.js";

const SHOWN_MS = 2500;

export function wireCopy(button, link, say) {
  const label = button.querySelector("span");
  const before = label.textContent;
  let timer = 0;
  button.addEventListener("click", async () => {
    const done = await copyText(link);
    button.dataset.done = String(done);
    label.textContent = done ? "Copied" : "Not copied";
    say(done ? "Link copied." : `The link can't be copied. It is ${link}`);
    clearTimeout(timer);
    timer = setTimeout(() => {
      label.textContent = before;
      say("");
      delete button.dataset.done;
    }, SHOWN_MS);
  });
}
