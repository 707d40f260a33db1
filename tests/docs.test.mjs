// The documents: links lead somewhere, commands exist, and blocks of code are what they say. Those that talk to a server are run by
// tests/runtime/docs.test.mjs.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, copyFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { complaintOf, isCommand, wrangler } from './docs/commands.mjs';
import { anchorsOf, blocksOf, commandsOf, DOCUMENTS, inlineCodeOf, linksOf, placeOf, textOf } from './docs/markdown.mjs';
import { ROOT } from './runtime/support/paths.mjs';
import { wranglerConfig } from './runtime/support/server.mjs';
import { complaints } from './types/compiler.mjs';

const BLOCKS = DOCUMENTS.flatMap(blocksOf);
const blocksIn = (language) => BLOCKS.filter((block) => block.language === language);

/** Fails with all complaints at once; a check that finds nothing to check fails too. */
function allFine(checked, complaintsOfThem) {
  assert.ok(checked.length > 0, 'there is something to check');
  assert.deepEqual(complaintsOfThem.filter(Boolean), []);
}

/** Where a link of a document leads nowhere: why. */
function brokenLink(document, target) {
  if (/^[a-z]+:/.test(target)) {
    const url = URL.canParse(target) ? new URL(target) : null;
    const right = url?.protocol === 'https:' && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(url.hostname) && !url.username && url.href.replace(/\/$/, '') === target.replace(/\/$/, '');
    return right ? null : 'no URL of https';
  }
  const [path, anchor] = target.split('#');
  const file = path === '' ? document : posix.normalize(posix.join(posix.dirname(document), path));
  if (file.startsWith('..') || path.startsWith('/')) return 'leads out of the project';
  if (!existsSync(join(ROOT, file))) return 'no such file';
  if (anchor === undefined) return null;
  return file.endsWith('.md') && anchorsOf(textOf(file)).includes(anchor) ? null : 'no such heading';
}

describe('links', () => {
  test('each leads to a file and a heading of the project, or is a URL of https', () => {
    const links = DOCUMENTS.flatMap((document) => linksOf(textOf(document)).map((target) => [document, target]));
    assert.ok(links.length > 50, `${links.length} links`);
    allFine(links, links.map(([document, target]) => {
      const why = brokenLink(document, target);
      return why && `${document}: ${target}: ${why}`;
    }));
  });

  test('a wrong one is found', () => {
    for (const target of ['docs/nothing.md', '#no-such-heading', 'docs/clients.md#no', '../outside', '/README.md', 'http://example.com', 'https://localhost/x', 'https://exa mple.com', 'LICENSE-MIT#x']) {
      assert.ok(brokenLink('README.md', target), target);
    }
    assert.equal(brokenLink('docs/protocol.md', '../README.md#deploy'), null);
  });

  test('every document is listed in the README', () => {
    const listed = linksOf(textOf('README.md'));
    assert.deepEqual(DOCUMENTS.filter((document) => document !== 'README.md' && !listed.includes(document)), []);
  });
});

describe('commands', () => {
  test('each line of a block for the shell, and each command within a sentence, is one that exists', async () => {
    const blocks = blocksIn('sh').flatMap((block) => commandsOf(block.code).map((command) => ({ command, document: block.document })));
    const inline = DOCUMENTS.flatMap((document) => inlineCodeOf(textOf(document)).filter(isCommand).map((command) => ({ command, document })));
    assert.ok(blocks.length > 10 && inline.length > 10, `${blocks.length} and ${inline.length} commands`);
    const wrong = await Promise.all([...blocks, ...inline].map(async (place) => {
      const complaint = await complaintOf(place.command, place);
      return complaint && `${place.document}: ${place.command}: ${complaint}`;
    }));
    allFine(blocks, wrong);
  });

  test('a wrong one is found', async () => {
    const wrong = [
      'npm run nothing', 'npm start --app echo', 'npm start -- --app nothing', 'npm run bench -- --only nothing', 'npm test -- tests/nothing.test.mjs', 'npm install left-pad', 'NOTHING=1 npm start',
      'npx wrangler nothing', 'npx wrangler deploy --nothing', 'npx nothing', 'node scripts/nothing.mjs', 'cargo test --test nothing', 'cargo test --features nothing',
      'cargo test --nothing', 'cargo nothing', 'git clone https://git.example.com/nothing', 'curl http://127.0.0.1:8787/', 'pip install nothing', 'echo x > y', 'nothing',
    ];
    for (const command of wrong) assert.ok(await complaintOf(command, { document: 'README.md' }), command);
    assert.equal(await complaintOf('PORT=9000 npm start -- --app echo', { document: 'README.md' }), null);
  });
});

/** The settings, by name. */
const SETTINGS = new Set(Object.keys(wranglerConfig().vars));

test('what looks like a setting is one', () => {
  const OTHERS = ['API_TOKEN', 'CONNECT_ERROR', 'ESBUILD_BIN', 'WASM_BINDGEN_BIN', 'WASM_OPT_BIN'];
  const named = DOCUMENTS.flatMap((document) => inlineCodeOf(textOf(document)).flatMap((code) => {
    const [, name] = /^([A-Z]+_[A-Z_0-9]+)(?: = "[^"]*")?$/.exec(code) ?? [];
    return name ? [[document, name]] : [];
  }));
  assert.ok(named.length > 30, `${named.length} names`);
  assert.deepEqual(named.filter(([, name]) => !SETTINGS.has(name) && !OTHERS.includes(name)), []);
});

describe('blocks of code', () => {
  const RULES = ['sh', 'ts', 'js', 'py', 'json', 'toml', 'rust', 'swift', 'java', 'dart', 'text', 'nginx', 'caddy', 'haproxy'];
  // Only in files of the app that tests/runtime/your-app.test.mjs builds and runs.
  // The app with `worker!`, which only compiles in a crate of its own, is `rs`: no doc test.
  const RULES_OF_FILES = ['html', 'rs'];

  test('each is in a language that has a rule', () => {
    const rules = ({ document, file }) => (document === 'docs/your-app.md' && file ? [...RULES, ...RULES_OF_FILES] : RULES);
    allFine(BLOCKS, BLOCKS.map((block) => (rules(block).includes(block.language) ? null : `${placeOf(block)}: ${block.language}`)));
  });

  test('TypeScript compiles beside the chat’s types', () => {
    const folder = join(ROOT, '.tools', 'docs');
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(ROOT, 'public', 'chat.d.ts'), join(folder, 'chat.d.ts'));
    const blocks = blocksIn('ts');
    const files = blocks.map((block, index) => {
      const file = join(folder, `block-${index}.ts`);
      writeFileSync(file, block.code);
      return file;
    });
    allFine(blocks, complaints(files));
  });

  test('JavaScript can be parsed', () => {
    const options = { reportDiagnostics: true, fileName: 'block.mjs', compilerOptions: { allowJs: true, module: ts.ModuleKind.ESNext } };
    const faults = (code) => ts.transpileModule(code, options).diagnostics.map(({ messageText }) => messageText);
    allFine(blocksIn('js'), blocksIn('js').flatMap((block) => faults(block.code).map((fault) => `${placeOf(block)}: ${fault}`)));
    assert.notDeepEqual(faults('const = 1;'), []);
  });

  test('JSON can be parsed', () => {
    const blocks = blocksIn('json');
    allFine(blocks, []);
    for (const block of blocks) assert.doesNotThrow(() => JSON.parse(block.code), placeOf(block));
  });

  test('Python is run: it stands where that test looks for it', () => {
    allFine(blocksIn('py'), blocksIn('py').map((block) => (block.document === 'docs/clients.md' && block.heading === 'Python' ? null : placeOf(block))));
  });

  test('configurations of proxies are run: they stand where that test looks for them', () => {
    const blocks = ['nginx', 'caddy', 'haproxy'].flatMap(blocksIn);
    allFine(blocks, blocks.map((block) => (block.document === 'docs/operations.md' && block.heading === 'Behind a proxy' ? null : placeOf(block))));
  });

  test('TOML is a configuration that wrangler takes without a warning', async () => {
    const blocks = blocksIn('toml').filter(({ file }) => file !== 'Cargo.toml');
    allFine(blocks, await Promise.all(blocks.map(async (block) => {
      const output = await configured(block.code);
      return output && `${placeOf(block)}: ${output}`;
    })));
    assert.ok(await configured('routs = ["chat.example.com"]'), 'a field that does not exist is found');
    assert.ok(await configured('routes = ["chat.example.com"'), 'what is no TOML is found');
  });

  test('Rust is a part of the sources, or of a document that is run as a doc test', () => {
    const sources = ['src', 'examples'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true }).filter((name) => name.endsWith('.rs')).map((name) => readFileSync(join(ROOT, folder, name), 'utf8')));
    const isRun = (document) => sources.some((source) => new RegExp(`include_str!\\("[./]*${document.replaceAll('.', '\\.')}"\\)`).test(source));
    allFine(blocksIn('rust'), blocksIn('rust').map((block) =>
      (isRun(block.document) || sources.some((source) => source.includes(block.code)) ? null : placeOf(block))));
  });

  test('in other languages, which nothing here compiles, the brackets are balanced', () => {
    const blocks = ['swift', 'java', 'dart'].flatMap(blocksIn);
    allFine(blocks, blocks.map((block) => (balanced(block.code) ? null : placeOf(block))));
    assert.ok(!balanced('f(x]') && !balanced('{') && balanced('f("(", [x]) // )'));
  });
});

/** What wrangler has to say against a configuration, or against one that has these lines besides; or null. Nothing is built. */
async function configured(lines) {
  const folder = mkdtempSync(join(tmpdir(), 'roomcast-docs-'));
  const head = 'name = "docs"\nmain = "index.js"\ncompatibility_date = "2026-06-01"\n';
  const whole = (/^main = /m.test(lines) ? lines : head + lines).replace(/^command = .*$/m, 'command = "node --version"');
  try {
    for (const name of ['build', 'public']) mkdirSync(join(folder, name));
    for (const name of ['index.js', 'build/index.js']) {
      writeFileSync(join(folder, name), 'export default { fetch: () => new Response() };\nexport class Room {}\n');
    }
    writeFileSync(join(folder, 'wrangler.toml'), `${whole}\n`);
    const { code, output } = await wrangler(['deploy', '--dry-run', '--config', join(folder, 'wrangler.toml'), '--outdir', join(folder, 'out')], folder);
    return code === 0 && !/WARNING|ERROR/.test(output) ? null : output;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether each bracket outside of texts and comments is closed by its own. */
function balanced(code) {
  const open = [];
  for (const sign of code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '').replace(/\/\/.*$/gm, '')) {
    if ('([{'.includes(sign)) open.push(sign);
    if (')]}'.includes(sign) && '([{'.indexOf(open.pop()) !== ')]}'.indexOf(sign)) return false;
  }
  return open.length === 0;
}

test('the README is short', () => {
  const lines = textOf('README.md').split('\n').length;
  assert.ok(lines <= 200, `README.md has ${lines} lines; details belong into docs/`);
});
