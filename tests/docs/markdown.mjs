// The documents, and what stands in them: headings, links, blocks of code, and commands.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../runtime/support/paths.mjs';

/** The documents, as paths from the root. */
export const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

export const textOf = (document) => readFileSync(join(ROOT, document), 'utf8');

const FENCED = /^( *)```([^\n`]*)\n([\s\S]*?)^\1```[ \t]*$/gm;

/**
 * The blocks of code: `{document, language, code, line, heading, file}`, where `heading` is the one above, and `file` the name of the
 * file that the block is, with which the paragraph above begins.
 */
export function blocksOf(document) {
  const text = textOf(document);
  return [...text.matchAll(FENCED)].map(({ 1: indent, 2: language, 3: code, index }) => {
    const before = text.slice(0, index);
    return {
      document,
      language,
      code: code.split('\n').map((line) => line.slice(indent.length)).join('\n'),
      line: before.split('\n').length,
      heading: [...before.replace(FENCED, '').matchAll(/^#+ (.+)$/gm)].at(-1)?.[1],
      file: /^`([\w./]+\.\w+)`/.exec(before.trimEnd().split('\n\n').at(-1))?.[1],
    };
  });
}

/** Where a block stands, for messages. */
export const placeOf = ({ document, line }) => `${document}:${line}`;

const proseOf = (text) => text.replace(FENCED, '');
const INLINE_CODE = /`([^`\n]+)`/g;

/** The pieces of inline code. */
export const inlineCodeOf = (text) => [...proseOf(text).matchAll(INLINE_CODE)].map(([, code]) => code);

/** What links and images lead to. */
export function linksOf(text) {
  const prose = proseOf(text).replace(INLINE_CODE, 'code');
  return [...prose.matchAll(/\]\(([^)\n]*)\)/g), ...prose.matchAll(/<(https?:[^>\n]*)>/g)].map(([, target]) => target);
}

/** The anchors of the headings, as GitHub makes them. */
export function anchorsOf(text) {
  const seen = new Map();
  return [...proseOf(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim().toLowerCase();
    const slug = words.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count ? `${slug}-${count}` : slug;
  });
}

/** The commands of a block for the shell: without comments, with continued lines in one. */
export function commandsOf(code) {
  const lines = code.replace(/\\\n\s*/g, '').split('\n');
  return lines.map((line) => line.replace(/^((?:[^#'"]|'[^']*'|"[^"]*")*?)(?:^|\s+)#.*$/, '$1').trim()).filter(Boolean);
}

/** The words of a command, as the shell would divide them; quotes are taken off. */
export function wordsOf(command) {
  return (command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []).map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}
