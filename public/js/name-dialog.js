// The dialog that asks for a nickname: on the way in, when it can't be put away
// without one, and later to change it.

import { setFieldError } from "./dom.js";
import { checkName } from "./text.js";

export class NameDialog {
  #dialog;
  #form;
  #input;
  #error;
  #submit;
  #accept;

  /** `accept(name)` may return a promise; what it rejects with is shown as a sentence. */
  constructor(dialog, accept) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#input = dialog.querySelector("input");
    this.#error = dialog.querySelector(".field-error");
    this.#submit = dialog.querySelector("[type=submit]");
    this.#accept = accept;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#tryName();
    });
    this.#input.addEventListener("input", () => setFieldError(this.#input, this.#error, ""));
    dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
    // Escape asks twice at most before the browser closes a dialog regardless.
    dialog.addEventListener("cancel", (event) => {
      if (this.#entering) event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      if (this.#entering) dialog.showModal();
    });
  }

  get #entering() {
    return this.#dialog.dataset.mode === "enter";
  }

  /** `mode` is `enter` or `rename`. */
  ask(mode, name = "", sentence = "") {
    this.#dialog.dataset.mode = mode;
    this.#submit.textContent = mode === "enter" ? "Join the room" : "Save name";
    this.#input.value = name;
    setFieldError(this.#input, this.#error, sentence);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.focus();
    this.#input.select();
  }

  async #tryName() {
    const { name, error } = checkName(this.#input.value);
    setFieldError(this.#input, this.#error, error ?? "");
    if (!name) {
      this.#input.focus();
      return;
    }
    this.#submit.disabled = true;
    try {
      await this.#accept(name);
      this.#dialog.dataset.mode = "done";
      this.#dialog.close();
    } catch (reason) {
      setFieldError(this.#input, this.#error, reason?.code
        ? reason.message
        : "The room did not answer. Try again in a moment.");
      this.#input.focus();
    } finally {
      this.#submit.disabled = false;
    }
  }
}
