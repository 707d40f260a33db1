// Identifiers that nobody guesses and that never meet twice. No DOM: Node can import it.

const BYTES = 16;

/** 128 random bits as 22 characters of `A-Za-z0-9_-` (base64url). */
export function randomId(random = globalThis.crypto) {
  const bytes = random.getRandomValues(new Uint8Array(BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
