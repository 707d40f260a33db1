// The limits on names and messages, and how text is cleaned and counted before
// it is sent. The room counts characters as Unicode code points, so this does too.
// No DOM: Node can import it.

export const NAME_LIMIT = 32;
export const MESSAGE_LIMIT = 4000;
export const NAME_RULE = `A name is 1–${NAME_LIMIT} characters.`;

export function countCharacters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Half of a surrogate pair can't be sent as UTF-8: it becomes U+FFFD. */
function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

export function cleanName(text) {
  return wellFormed(String(text)).replace(/\s+/gu, " ").trim();
}

/** `{ name }`, or `{ error }` with a sentence to show. */
export function checkName(text) {
  const name = cleanName(text);
  const length = countCharacters(name);
  if (length === 0) return { error: "Type a name, so that others know who is speaking." };
  if (length > NAME_LIMIT) {
    return { error: `${NAME_RULE} This one has ${length}.` };
  }
  return { name };
}

/** Without blank lines before it or white space after it; inner layout is kept. */
export function cleanMessage(text) {
  return wellFormed(String(text))
    .replace(/\r\n?/g, "\n")
    .replace(/^(?:[^\S\n]*\n)+/u, "")
    .trimEnd();
}

/** `{ text }`, or `{ error }`; the error is empty when there is nothing to send. */
export function checkMessage(raw) {
  const text = cleanMessage(raw);
  const length = countCharacters(text);
  if (length === 0) return { error: "" };
  if (length > MESSAGE_LIMIT) {
    const over = (length - MESSAGE_LIMIT).toLocaleString("en");
    return { error: `A message is at most ${MESSAGE_LIMIT.toLocaleString("en")} characters: this one is ${over} over.` };
  }
  return { text };
}
