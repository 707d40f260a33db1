// Room names: what makes one valid, how a new one is made, and how one is read
// from an address or from what somebody typed or pasted. No DOM: Node can import it.

export const ROOM_NAME = /^[A-Za-z0-9_-]{1,64}$/;
export const ROOM_RULE = "A room's name is 1–64 characters: letters A–Z, digits, - and _.";

// 32 characters, so that each carries exactly 5 bits; i, l, o and u are left
// out, which makes a name easier to read aloud and to copy by hand.
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const GROUPS = 4;
const GROUP_LENGTH = 4;

export function isRoomName(text) {
  return typeof text === "string" && ROOM_NAME.test(text);
}

/** A new name with 80 random bits, such as `h3k7-q2xv-9tpz-c4wn`. */
export function newRoomName(random = globalThis.crypto) {
  const bytes = random.getRandomValues(new Uint8Array(GROUPS * GROUP_LENGTH));
  const letters = Array.from(bytes, (byte) => ALPHABET[byte & 31]).join("");
  const groups = [];
  for (let at = 0; at < letters.length; at += GROUP_LENGTH) {
    groups.push(letters.slice(at, at + GROUP_LENGTH));
  }
  return groups.join("-");
}

export function roomPath(room) {
  return `/r/${room}`;
}

/** The room that a page's path names, or null. */
export function roomFromPath(pathname) {
  const found = /^\/r\/([^/]+)\/?$/.exec(pathname);
  return found && isRoomName(found[1]) ? found[1] : null;
}

/**
 * What somebody meant by `input`: a room's name, or the link of a room on `host`.
 * Returns `{ room }` or `{ error }`, the error being a sentence to show.
 */
export function roomFromInput(input, host = "") {
  const text = String(input).trim();
  if (text === "") return { error: "Type a room's name, or paste its link." };
  if (isRoomName(text)) return { room: text };
  if (!text.includes("/")) return { error: ROOM_RULE };

  let url;
  try {
    const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || text.startsWith("/");
    url = new URL(absolute ? text : `https://${text}`, `https://${host || "localhost"}`);
  } catch {
    return { error: "That doesn't look like the link of a room." };
  }
  const room = roomFromPath(url.pathname);
  if (!room) return { error: "That doesn't look like the link of a room. " + ROOM_RULE };
  if (host && url.host !== host) {
    return { error: `That link leads to a room on another site, ${url.host}.` };
  }
  return { room };
}
