// The examples of the documents that talk to a server, run as they stand there: only the address and the room are others.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { CURL_DOCUMENT } from '../docs/commands.mjs';
import { blocksOf, commandsOf } from '../docs/markdown.mjs';
import { member, programFrom, run } from './support/clients.mjs';
import { ROOT } from './support/paths.mjs';
import { cuttable } from './support/peers.mjs';
import { start } from './support/processes.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const ADDRESS = 'http://127.0.0.1:8787';
const ROOM = '/tea';
const TOKEN = 'local-secret';
const server = serverFor({ ...AS_DEPLOYED, API_TOKEN: TOKEN });

/** The code with the address and the room of this test in it. */
function placed(code, url, room) {
  assert.ok(code.includes(ADDRESS) && code.includes(ROOM), `${ADDRESS} and ${ROOM} are in ${code}`);
  return code.replaceAll(ADDRESS, url).replaceAll(ROOM, `/${room}`);
}

/** The only block of docs/clients.md in this language below this heading. */
function exampleOf(heading, language) {
  const found = blocksOf('docs/clients.md').filter((block) => block.heading === heading && block.language === language);
  assert.equal(found.length, 1, `${heading} has one example in ${language}`);
  return found[0].code;
}

/** Writes a program where it finds the packages of npm. */
function program(name, code) {
  const file = path.join(ROOT, '.tools', 'docs', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, code);
  return file;
}

/** How each example is started. */
const EXAMPLES = {
  JavaScript: (url, room) => [process.execPath, [program('client.mjs', placed(exampleOf('JavaScript', 'js'), url, room))]],
  TypeScript: (url, room) => {
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const { outputText } = ts.transpileModule(placed(exampleOf('TypeScript', 'ts'), url, room), { compilerOptions });
    return [process.execPath, [program('client-of-ts.mjs', outputText)]];
  },
  Python: (url, room) => {
    const python = programFrom('ROOMCAST_PYTHON', 'a Python that has python-socketio[client]');
    return [python, [program('client.py', placed(exampleOf('Python', 'py'), url, room))]];
  },
};

describe('docs/clients.md', { skip: roomcastOnly }, () => {
  for (const [language, command] of Object.entries(EXAMPLES)) {
    test(`${language}: the example posts, hears, and after a lost connection has what was said meanwhile, once`, async (t) => {
      const room = freshRoom();
      const bob = await member(t, server, room, 'Bob');
      const proxy = await cuttable(t, server);
      const example = start(...command(proxy.url, room));
      t.after(() => example.stop());
      const printed = (text) => eventually(() => example.output().includes(text), `${text} in what it printed`).catch((error) => {
        throw new Error(`${error.message}: ${example.output()}`);
      });

      assert.equal((await bob.until('memberJoined')).name, 'Ada');
      const { id, text, author } = await bob.until('newMessage');
      assert.deepEqual([text, author.name], ['Hello!', 'Ada']);
      await printed(`posted as ${id}`);
      await bob.say('Hello, Ada!');
      await printed('Bob: Hello, Ada!');

      proxy.cut();
      await bob.say('Are you there?');
      proxy.restore();
      await printed('Bob: Are you there?');
      if (language !== 'Python') await printed('recovered');
      assert.equal(example.output().split('Are you there?').length, 2, `once: ${example.output()}`);
      assert.ok(!example.output().includes('not posted'), example.output());
    });
  }
});

describe(CURL_DOCUMENT, { skip: roomcastOnly }, () => {
  test('the curl commands are answered as the page says', async (t) => {
    const room = freshRoom();
    const clients = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob')];
    const blocks = blocksOf(CURL_DOCUMENT);
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => commandsOf(code)).filter((command) => command.startsWith('curl '));
    const answers = [];
    for (const command of commands) answers.push(JSON.parse(await run(t, 'sh', ['-c', placed(command, server.url, room).replace('curl', 'curl --silent --show-error')])));

    const [shown] = blocks.filter(({ language }) => language === 'json').map(({ code }) => JSON.parse(code));
    assert.deepEqual(answers, [{ sockets: 2 }, shown]);
    for (const client of clients) assert.deepEqual(await client.until('news'), { title: 'Tea is ready' });
  });
});
