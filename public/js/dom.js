// Small helpers for building the page. Text only ever goes in as text.

export function byId(id) {
  return document.getElementById(id);
}

/** `el("p", { class: "note", "data-x": 1 }, "text", node)`; nullish children are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** Somebody's name, kept from changing the direction of the text around it. */
export function nameNode(name, attributes = {}) {
  return el("bdi", { class: "name", ...attributes }, name);
}

/** Shows `sentence` below a field, or clears it, for eyes and screen readers alike. */
export function setFieldError(input, output, sentence) {
  output.textContent = sentence;
  output.hidden = sentence === "";
  if (sentence) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

export function timeNode(ms) {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return el("time", {});
  return el("time", { datetime: date.toISOString(), title: full.format(date) }, clock.format(date));
}

/** The day's name, with the year where it isn't this one. */
export function dayOf(ms) {
  const date = new Date(ms);
  return (date.getFullYear() === new Date().getFullYear() ? day : dayAndYear).format(date);
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** For pages where the clipboard API is missing or not allowed. */
function copyBySelection(text) {
  const field = el("textarea", { class: "off-screen", readonly: true, "aria-hidden": "true" });
  field.value = text;
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    // The caller shows the link instead.
  }
  field.remove();
  before?.focus();
  return done;
}
