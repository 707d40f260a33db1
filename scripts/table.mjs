// Markdown tables of numbers.

/** A table in Markdown; all columns but the first are numbers. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), `|---|${head.slice(1).map(() => '---:').join('|')}|`, ...rows.map(line)].join('\n');
}
