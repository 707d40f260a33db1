// Where the reader is in the conversation. At its end they stay there, whatever comes;
// elsewhere what they read stays where it is, whatever comes above or below it.

const NEAR_BOTTOM_PX = 64;
const NEAR_TOP_PX = 200;

export class Scroll {
  #log;
  #newer;
  #atTop;
  #pinned = true;
  #unseen = 0;

  /** `newer` is the button that leads to the end; `atTop` is called when the reader comes near the top. */
  constructor(log, newer, atTop) {
    this.#log = log;
    this.#newer = newer;
    this.#atTop = atTop;
    log.addEventListener("scroll", () => {
      this.#pinned = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
      if (this.#pinned) this.#setUnseen(0);
      this.look();
    }, { passive: true });
    newer.addEventListener("click", () => {
      this.toBottom();
      log.focus({ preventScroll: true });
    });
    new ResizeObserver(() => {
      if (this.#pinned) this.toBottom();
    }).observe(log);
  }

  /** Whether the reader is at the end. */
  get pinned() {
    return this.#pinned;
  }

  /** Makes a change to the conversation, and keeps the reader's place. */
  keep(change) {
    const mark = this.#pinned ? null : this.#firstInView();
    const before = mark?.offsetTop;
    change();
    if (this.#pinned) this.toBottom();
    else if (mark?.isConnected) this.#log.scrollTop += mark.offsetTop - before;
  }

  toBottom() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#pinned = true;
    this.#setUnseen(0);
  }

  /** `count` messages have come that the reader sees only when they are at the end. */
  unseen(count) {
    if (!this.#pinned) this.#setUnseen(this.#unseen + count);
  }

  /** Looks whether the reader is near the top. */
  look() {
    if (this.#log.scrollTop < NEAR_TOP_PX) this.#atTop();
  }

  #firstInView() {
    const { scrollTop } = this.#log;
    const inView = (node) => node.offsetTop + node.offsetHeight > scrollTop;
    return Array.prototype.find.call(this.#log.querySelectorAll(":scope > .message, :scope > .note:not(.day)"), inView);
  }

  #setUnseen(count) {
    this.#unseen = count;
    this.#newer.hidden = count === 0;
    this.#newer.querySelector("span").textContent = count === 1 ? "1 new message" : `${count} new messages`;
  }
}
