// How much memory the server has taken: its process, and the wasm instance in it, whose memory is never given back.
import { readFileSync } from 'node:fs';
import { request } from './wire.mjs';

/** The resident bytes of a process. */
export const residentBytes = (pid) => 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** A module to run in front of the bundle: `/memory` answers with the bytes of the wasm instance's memory. */
export const MEMORY_ENTRY = `
let memory;
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(...args) {
    super(...args);
    memory = this.exports.memory;
  }
};
const { default: Worker, ChatRoom } = await import('./index.js');
export { ChatRoom };
export default class extends Worker {
  fetch(request) {
    return new URL(request.url).pathname === '/memory' ? Response.json(memory.buffer.byteLength) : super.fetch(request);
  }
}
`;

/** The bytes of wasm memory of a server that runs with `MEMORY_ENTRY`. */
export const wasmBytes = async (server) => Number((await request(new URL('/memory', server.url))).body);
