// The server of `npm run conformance`, in the Node that the set-up chose: the bundle that the tests run, with the settings that
// the reference's public protocol suites want.
import { startRoomcast } from '../tests/runtime/support/server.mjs';

const vars = {
  APP: 'conformance',
  PING_INTERVAL_MS: 300,
  PING_TIMEOUT_MS: 200,
  CONNECT_TIMEOUT_MS: 1000,
  CORS_ORIGIN: '*',
  ALLOW_EIO3: process.env.ALLOW_EIO3 ?? 'true',
  RECOVERY_MS: 0,
};

const server = await startRoomcast({ vars, port: Number(process.argv[2]) });
console.log(`roomcast: ready on ${server.url}`);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    await server.close();
    process.exit(0);
  });
}
