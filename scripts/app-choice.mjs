// Which app runs in the rooms: `npm start -- --app whiteboard`.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Problem, root } from './project.mjs';

/** The chat, and the examples: each of those has a folder with its page. */
export function appNames() {
  const entries = readdirSync(join(root, 'public', 'examples'), { withFileTypes: true });
  return ['chat', ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort()];
}

/** The app that these arguments ask for, or undefined where they leave it to wrangler.toml. */
export function chosenApp(args) {
  let app;
  try {
    ({ app } = parseArgs({ args, options: { app: { type: 'string' } } }).values);
  } catch (error) {
    throw new Problem(`${error.message.split(/[.\n]/)[0]}: npm start takes only '-- --app <name>'.`);
  }
  if (app !== undefined && !appNames().includes(app)) {
    throw new Problem(`there is no app '${app}': it is one of ${appNames().join(', ')}.`);
  }
  return app;
}
