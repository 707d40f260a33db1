// What the set-up takes from elsewhere is pinned by a checksum; and it says which Node it needs.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'smol-toml';
import { manifest, wasmBindgenVersion } from '../../scripts/project.mjs';
import { ROOT } from '../runtime/support/paths.mjs';
import { checkout, node } from './support/checkout.mjs';

const read = (name) => readFileSync(path.join(ROOT, name), 'utf8');
const readToml = (name) => parse(read(name));
const TOOL = 'scripts/wasm-bindgen';

describe('what is downloaded', () => {
  for (const name of ['Cargo.lock', `${TOOL}/Cargo.lock`]) {
    test(`${name} has a checksum for each crate, which all are from crates.io`, () => {
      const crates = readToml(name).package.filter(({ name }) => !['roomcast', 'wasm-bindgen-program'].includes(name));
      assert.ok(crates.length > 50, `${crates.length} crates`);
      const wrong = crates.filter(({ source, checksum }) => source !== 'registry+https://github.com/rust-lang/crates.io-index' || !/^[0-9a-f]{64}$/.test(checksum));
      assert.deepEqual(wrong, []);
    });
  }

  test('the program wasm-bindgen has the version of the library', () => {
    const version = wasmBindgenVersion();
    assert.equal(readToml(`${TOOL}/Cargo.toml`).dependencies['wasm-bindgen-cli'].version, `=${version}`);
    assert.equal(readToml(`${TOOL}/Cargo.lock`).package.find(({ name }) => name === 'wasm-bindgen-cli').version, version);
    assert.equal(readToml('Cargo.lock').package.find(({ name }) => name === 'wasm-bindgen').version, version);
    assert.ok(readToml('Cargo.toml').package['rust-version'] >= readToml(`${TOOL}/Cargo.toml`).package['rust-version'], 'a toolchain that compiles the project compiles it');
  });

  test('package-lock.json has a digest for each package, which all are from npm\'s registry', () => {
    const { '': _project, ...packages } = JSON.parse(read('package-lock.json')).packages;
    const wrong = Object.entries(packages).filter(([, { resolved, integrity }]) => (resolved && !resolved.startsWith('https://registry.npmjs.org/')) || !/^sha512-/.test(integrity));
    assert.deepEqual(wrong, []);
  });
});

describe('Node', () => {
  /** Runs the build's first step in a Node that says that it is this one. */
  const asNode = (t, version) => {
    const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;
    return node(t, ROOT, ['--import', pretend, 'scripts/check-node.mjs']);
  };
  const [, oldest] = /^>=(\d+\.\d+)$/.exec(manifest.engines.node);

  test('that is too old is refused in one line, which names the version of package.json', async (t) => {
    for (const version of ['16.20.2', '18.20.8', '20.11.1']) {
      const { end, output } = await asNode(t, version);
      assert.equal(end, 'exited with 1');
      assert.match(output, new RegExp(`^roomcast: Node\\.js ${oldest} or newer is needed .*\\n$`));
    }
  });

  test('that is new enough is taken', async (t) => {
    for (const version of [`${oldest}.0`, '22.12.0', '24.0.0', '26.12.1']) assert.deepEqual(await asNode(t, version), { end: 'exited with 0', output: '' }, version);
  });

  test('of npm runs wrangler, where npm has put no node into node_modules/.bin either', async (t) => {
    const folder = checkout(t);
    const modules = path.join(folder, 'node_modules');
    rmSync(modules);
    mkdirSync(modules);
    const names = readdirSync(path.join(ROOT, 'node_modules')).filter((name) => !name.startsWith('.'));
    for (const name of names) symlinkSync(path.join(ROOT, 'node_modules', name), path.join(modules, name));
    const own = Object.keys(manifest.optionalDependencies).find((name) => names.includes(name));
    const script = "const { innerPath, projectNode } = await import('./scripts/run.mjs'); console.log(projectNode()); console.log(innerPath());";
    const { output } = await node(t, folder, ['--input-type=module', '--eval', script]);
    const [program, folders] = output.split('\n');
    assert.equal(program, own ? path.join(ROOT, 'node_modules', own, 'bin', 'node') : process.execPath);
    assert.equal(folders.split(path.delimiter)[0], path.join(modules, own ? `${own}/bin` : '.bin'));
  });
});
