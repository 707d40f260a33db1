// The message box: grows with what is written, sends on Enter, and counts
// characters when the limit is near.

import { setFieldError } from "./dom.js";
import { MESSAGE_LIMIT, checkMessage, cleanMessage, countCharacters } from "./text.js";

const WARN_WITHIN = 400;

export class Composer {
  #form;
  #input;
  #counter;
  #error;
  #send;

  /** `send(text)` is called with what may be sent as it is. */
  constructor({ form, input, counter, error }, send) {
    this.#form = form;
    this.#input = input;
    this.#counter = counter;
    this.#error = error;
    this.#send = send;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    input.addEventListener("input", () => this.#changed());
    input.addEventListener("keydown", (event) => {
      // Enter that ends an input method's composition belongs to the input method;
      // Safari reports it after the composition, with the key code 229.
      const composing = event.isComposing || event.keyCode === 229;
      if (event.key !== "Enter" || event.shiftKey || composing) return;
      event.preventDefault();
      this.#submit();
    });
    window.addEventListener("resize", () => this.#fit());
    this.#changed(); // The browser may have restored a draft.
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  #submit() {
    const { text, error } = checkMessage(this.#input.value);
    setFieldError(this.#input, this.#error, error ?? "");
    if (text !== undefined) {
      this.#input.value = "";
      this.#changed();
      this.#send(text);
    }
    this.focus();
  }

  #changed() {
    const left = MESSAGE_LIMIT - countCharacters(cleanMessage(this.#input.value));
    const near = left <= WARN_WITHIN;
    this.#counter.hidden = !near;
    this.#counter.dataset.over = String(left < 0);
    this.#counter.textContent = left < 0 ? `${-left} too many` : `${left} left`;
    if (left >= 0) setFieldError(this.#input, this.#error, "");
    this.#fit();
  }

  /** The style sheet sets the tallest it may get. */
  #fit() {
    const { style } = this.#input;
    style.height = "auto";
    style.height = `${this.#input.scrollHeight}px`;
    this.#form.dataset.tall = String(this.#input.scrollHeight > 60);
  }
}
