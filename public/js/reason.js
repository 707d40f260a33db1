// Why a connection failed. No DOM: Node can import it.

/** The server's own sentence for a failed connection, if it gave one. */
export function reasonOf(error) {
  if (error?.data?.message) return String(error.data.message);
  const answer = error?.context;
  if (!answer || !(answer.status >= 400) || typeof answer.responseText !== "string") return "";
  let text = answer.responseText.trim();
  try {
    text = String(JSON.parse(text).message ?? "");
  } catch {
    // A plain sentence.
  }
  return text.length <= 200 && !text.startsWith("<") ? text : "";
}
