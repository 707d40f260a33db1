// How an author looks: a hue and initials, both derived from the name, so that a
// person keeps them after reconnecting. No DOM: Node can import it.

const HUES = 18;

/** FNV-1a, 32 bits, over UTF-16 code units. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value ^= value >>> 15;
  return value >>> 0;
}

/** Degrees; the style sheet picks lightness and chroma for each colour scheme. */
export function hueOf(name) {
  return (hash(name.normalize("NFC").toLowerCase()) % HUES) * (360 / HUES);
}

function firstCharacter(word) {
  if (typeof Intl.Segmenter === "function") {
    for (const { segment } of new Intl.Segmenter().segment(word)) return segment;
  }
  return Array.from(word)[0] ?? "";
}

/** One or two letters: of the first and of the last word. */
export function initialsOf(name) {
  const words = name.split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(word));
  if (words.length === 0) return firstCharacter(name.trim()) || "?";
  const ends = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return ends
    .map((word) => firstCharacter(word.replace(/^[^\p{L}\p{N}\p{Extended_Pictographic}]+/u, "")))
    .join("")
    .toLocaleUpperCase();
}
