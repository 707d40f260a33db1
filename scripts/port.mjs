// The address to serve on, checked before a runtime quietly takes another.
import { createServer } from 'node:net';
import { Problem } from './project.mjs';

/** Fails with a sentence where `port` is no port or is in use. */
export function freePort(host, port) {
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) throw new Problem(`PORT is '${port}': it must be a number from 1 to 65535.`);
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(new Problem(error.code === 'EADDRINUSE'
      ? `port ${port} on ${host} is in use: stop what uses it, or choose another by PORT.`
      : `can't listen on ${host}, port ${port} (${error.code}).`)));
    server.listen(Number(port), host, () => server.close(resolve));
  });
}
