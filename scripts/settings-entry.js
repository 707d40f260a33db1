// Stands in front of the built Worker, in workerd, and asks it what it says of each table of variables: scripts/settings.mjs.
import worker from './index.js';
import tables from './tables.json';
export * from './index.js';

/** No app asks for more settings than this. */
const MOST_ATTEMPTS = 1_000;
/** These read all settings and the secret of the API, and wake no room. */
const REQUESTS = ['/healthz', '/api/rooms/lobby'];

// What the Worker prints when it starts anew is no answer.
const print = console.log;
console.log = () => {};

/** The Worker reads its settings once: it starts anew with its next request, as after a panic. */
function startAnew() {
  console.error = () => {};
  dispatchEvent(Object.assign(new Event('error'), { error: new WebAssembly.RuntimeError('Other settings follow.') }));
}

/** Answers the requests with these variables: `{failed, asked, log}`, where `asked` are the names of what was read, in order. */
async function attempt(vars, bindings, ctx) {
  startAnew();
  const [asked, log] = [new Set(), []];
  const env = new Proxy({}, {
    get(_, name) {
      asked.delete(name); // the last one read is the last of all
      asked.add(name);
      return name in vars ? vars[name] : bindings[name];
    },
  });
  console.error = (...words) => log.push(words.join(' '));
  for (const path of REQUESTS) {
    const response = await new worker(ctx, env).fetch(new Request(`http://localhost${path}`));
    if (response.status === 500) return { failed: true, asked: [...asked], log };
  }
  return { failed: false, asked: [...asked], log };
}

/** All complaints about a table: what is wrong is left out and the Worker is asked again. */
async function check(table, bindings, ctx) {
  const vars = { ...table };
  const complaints = [];
  let without; // what was said before there was a secret
  for (let n = 0; n < MOST_ATTEMPTS; n += 1) {
    const { failed, asked, log } = await attempt(vars, bindings, ctx);
    if (!failed) return { complaints, asked };
    const last = asked.at(-1);
    if (last in vars && last in table) {
      complaints.push(log.join(' '));
      delete vars[last];
    } else if (!(last in vars) && !(last in table)) {
      // It may be a secret of the app's, which is in no file: any text will do.
      without = log.join(' ');
      vars[last] = 'a secret';
    } else {
      return { complaints: [...complaints, without ?? log.join(' ')], asked };
    }
  }
  return { complaints, asked: [] };
}

export default {
  async test(_, bindings, ctx) {
    const answers = [];
    for (const table of tables) answers.push(await check(table, bindings, ctx));
    print(JSON.stringify(answers));
  },
};
