// Checks what must be on the machine already, before anything long starts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, atLeast, root } from './project.mjs';
import { onPath, outputOf } from './run.mjs';

const linux = process.platform === 'linux';

async function checkRust() {
  const oldest = /^rust-version\s*=\s*"([^"]+)"/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))?.[1] ?? '1.91';
  const version = await outputOf('rustc', ['--version']);
  if (!version && onPath('rustc')) {
    throw new Problem(`${onPath('rustc')} doesn't run, and 'rustc --version' says why. Where rustup's toolchains are in no home directory, RUSTUP_HOME must name their folder.`);
  }
  if (!version || !(await outputOf('cargo', ['--version']))) {
    throw new Problem('Rust (cargo, rustc) is missing: install its stable toolchain with rustup from https://rustup.rs, then run this again.');
  }
  const have = /\d+\.\d+\.\d+/.exec(version)[0];
  if (!atLeast(have, oldest)) {
    throw new Problem(`Rust ${oldest} or newer is needed, and this is ${have}: run 'rustup update stable', then this again.`);
  }
}

async function checkCompiler() {
  if (process.platform === 'win32' || (await outputOf('cc', ['--version'])) !== null) return;
  const how = linux ? 'Debian and Ubuntu: apt-get install build-essential; Fedora: dnf install gcc' : 'macOS: xcode-select --install';
  throw new Problem(`a C compiler (cc) is missing, which Rust links with: install one (${how}), then run this again.`);
}

/** worker-build reaches the network through the system's OpenSSL on Linux. */
async function checkOpenSsl() {
  if (!linux || process.env.OPENSSL_DIR) return;
  const how = 'Debian and Ubuntu: apt-get install pkg-config libssl-dev; Fedora: dnf install pkgconf openssl-devel';
  if ((await outputOf('pkg-config', ['--version'])) === null) {
    throw new Problem(`pkg-config is missing, which worker-build is compiled with: install it and the OpenSSL headers (${how}), then run this again.`);
  }
  if ((await outputOf('pkg-config', ['--exists', 'openssl'])) === null) {
    throw new Problem(`the OpenSSL headers are missing, which worker-build is compiled with: install them (${how}), then run this again.`);
  }
}

export async function checkPrerequisites({ workerBuildMissing }) {
  if (!existsSync(join(root, 'Cargo.toml'))) throw new Problem('Cargo.toml is missing: run this in a whole clone of the repository.');
  await checkRust();
  await checkCompiler();
  if (workerBuildMissing) await checkOpenSsl();
}
