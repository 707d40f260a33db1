// The server under test: roomcast, or with TARGET=reference the reference implementation.
import { after, before } from 'node:test';

const TARGET = process.env.TARGET ?? 'roomcast';
if (!['roomcast', 'reference'].includes(TARGET)) throw new Error(`TARGET is roomcast or reference, not "${TARGET}"`);

/** True where the oracle is under test: for the few places where roomcast deliberately does better, or has more. */
export const onReference = TARGET === 'reference';

/** The reason to skip what only roomcast has (pages, settings, hibernation); false where roomcast is under test. */
export const roomcastOnly = onReference && 'only roomcast has this';

/** Settings for tests that count every packet: no ping comes in between, however slow the machine. */
export const WITHOUT_PINGS = { PING_INTERVAL_MS: 1_073_741_824 };

/** Recovery as in wrangler.toml: events have an offset behind their arguments. Without it `serverFor` has it switched off. */
export const AS_DEPLOYED = { RECOVERY_MS: undefined };

/** Starts a server for the tests of a file or of a `describe`, with these settings, and stops it after them. */
export function serverFor(vars = {}) {
  const server = {};
  before(async () => Object.assign(server, await startTarget({ vars: { RECOVERY_MS: 0, ...vars } })));
  after(() => server.close?.());
  return server;
}

/** Starts one by hand; the caller closes it. */
export async function startTarget(options) {
  if (onReference) return (await import('./reference.mjs')).startReference(options);
  return (await import('./server.mjs')).startRoomcast(options);
}
