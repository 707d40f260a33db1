// roomcast in an object whose storage and sockets fail on demand: a module in front of the bundle replaces what the runtime
// gives to the room.
import { after, before } from 'node:test';
import { request } from './wire.mjs';
import { startWorkerd } from './workerd.mjs';

/** Runs in workerd. `/faults?sql=fail&commit=fail&alarm=hang&accept=fail` sets what fails, and answers what was asked of the alarm. */
const ENTRY = `
import Worker, { ChatRoom as Room } from './index.js';

let faults = {};
const alarms = [];

function replace(object, name, replacement) {
  const original = object[name];
  object[name] = function (...args) {
    return replacement(faults, () => original.apply(this, args), args);
  };
}

let replaced = false;
function replaceAll(state) {
  if (replaced) return;
  replaced = true;
  replace(Object.getPrototypeOf(state.storage.sql), 'exec', ({ sql }, run) => {
    if (sql) throw new Error('the disk is on fire');
    return run();
  });
  let depth = 0;
  replace(Object.getPrototypeOf(state.storage), 'transactionSync', ({ commit }, run, args) => {
    if (!commit || depth > 0) return run();
    const [callback] = args;
    args[0] = () => {
      depth += 1;
      try {
        callback();
      } finally {
        depth -= 1;
      }
      throw new Error('the disk is full');
    };
    return run();
  });
  replace(Object.getPrototypeOf(state.storage), 'setAlarm', ({ alarm }, run, [at, options]) => {
    alarms.push({ in: Number(at) - Date.now(), ...options });
    if (alarm === 'hang') return new Promise(() => {});
    if (alarm === 'fail') return Promise.reject(new Error('no alarm today'));
    return run();
  });
  replace(Object.getPrototypeOf(state), 'acceptWebSocket', ({ accept }, run) => {
    if (accept) throw new Error('no more sockets');
    return run();
  });
}

export class ChatRoom extends Room {
  constructor(state, env) {
    replaceAll(state);
    super(state, env);
  }
}

export default class extends Worker {
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/faults') return super.fetch(request);
    faults = Object.fromEntries(searchParams);
    return Response.json(alarms.splice(0));
  }
}
`;

/** Starts one for the tests of a `describe`, with `faults({…})` that says what fails from now on, and gives the alarms set until now. */
export function failingServerFor(vars) {
  const server = {};
  before(async () => {
    const workerd = await startWorkerd({ vars: { RECOVERY_MS: 0, ...vars }, entry: ENTRY });
    Object.assign(server, {
      url: workerd.url,
      output: () => workerd.output(),
      close: () => workerd.close(),
      faults: async (what = {}) => JSON.parse((await request(new URL(`/faults?${new URLSearchParams(what)}`, workerd.url))).body),
    });
  });
  after(() => server.close?.());
  return server;
}
