// roomcast as built, inside workerd (through Miniflare): the same bundle, settings and assets that `wrangler deploy` takes, or the
// bundle that has the conformance app.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Miniflare } from 'miniflare';
import { parse } from 'smol-toml';
import { workerdProgram } from '../../../scripts/npm-packages.mjs';
import { ROOT } from './paths.mjs';
import { PATIENCE, within } from './wait.mjs';

// 2026-11: Miniflare's newest classic release is older than wrangler, and so is the workerd that it brings, in which upgrades at
// nearly the same time keep an object in memory for ever. These tests use wrangler's, as `npm start`.
process.env.MINIFLARE_WORKERD_PATH ??= workerdProgram();

/** The runtime's program. */
export const WORKERD = process.env.MINIFLARE_WORKERD_PATH;
/** The folder of what is deployed. */
export const DEPLOYED = path.join(ROOT, 'build');
/** The folder of the bundle that is built with the feature `conformance`. */
const CONFORMANCE = path.join(DEPLOYED, 'conformance');
export const ROOM_CLASS = 'ChatRoom';
const WORKER = 'roomcast';

/** The wrangler.toml of the project in this folder, parsed. */
export const wranglerConfig = (project = ROOT) => parse(readFileSync(path.join(project, 'wrangler.toml'), 'utf8'));

/** The settings of a deployment with `vars` in place of some; a setting of `null` is left out, `undefined` changes nothing. */
export function bindingsFrom(config, vars) {
  const own = Object.entries(vars).filter(([, value]) => value !== undefined);
  return Object.fromEntries(Object.entries({ ...config.vars, ...Object.fromEntries(own) }).filter(([, value]) => value !== null));
}

/** The folder of the bundle that has the app which these settings name. */
export function bundleFor({ APP }) {
  const folder = APP?.startsWith('conformance') ? CONFORMANCE : DEPLOYED;
  if (!existsSync(path.join(folder, 'index.js'))) throw new Error(`${folder}/index.js is missing: build it before these tests`);
  return folder;
}

/**
 * Starts roomcast on `port` of 127.0.0.1, by default a free one. `vars` override the settings of wrangler.toml; a setting of
 * `null` is left out. Rooms are stored under `persist`, by default in a folder that goes when the server closes. The bundle is the
 * one in the folder `bundle`, by default the one that has the app. Another project's wrangler.toml and public files are those in the
 * folder `project`, and the class of its rooms is `roomClass`. `services` are service bindings, by name: a function from a request to
 * its answer each.
 */
export async function startRoomcast(options = {}) {
  const { vars = {}, persist, port = 0, project = ROOT, bundle = bundleFor(vars), roomClass = ROOM_CLASS, services = {} } = options;
  const config = wranglerConfig(project);
  const folder = persist ?? mkdtempSync(path.join(tmpdir(), 'roomcast-'));
  const mf = new Miniflare({
    name: WORKER,
    host: '127.0.0.1',
    port,
    scriptPath: path.join(bundle, 'index.js'),
    modules: true,
    modulesRoot: bundle,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'], fallthrough: true }],
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    durableObjects: { ROOMS: { className: roomClass, useSQLite: true } },
    durableObjectsPersist: folder,
    assets: assetOptions(project, config.assets ?? {}),
    bindings: bindingsFrom(config, vars),
    serviceBindings: services,
    cf: false, // no look-up of a sample request outside
    telemetry: { enabled: false },
  });
  const cleanUp = async () => {
    await within(mf.dispose(), 'the server to stop', 2 * PATIENCE);
    if (!persist) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = await within(mf.ready, 'the server to start', 4 * PATIENCE);
    return {
      url: url.origin,
      close: cleanUp,
      /** Takes the room's object out of memory, as the platform does; its WebSockets stay ("hibernate") or go ("close"). */
      evict: (room, webSockets = 'hibernate') =>
        mf.unsafeEvictDurableObject(WORKER, roomClass, { name: room, webSockets }),
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** wrangler's [assets] in Miniflare's words. */
function assetOptions(project, { directory = 'public', binding = 'ASSETS', html_handling, not_found_handling, run_worker_first }) {
  const routes = Array.isArray(run_worker_first) ? run_worker_first : undefined;
  return {
    directory: path.resolve(project, directory),
    binding,
    assetConfig: { html_handling, not_found_handling },
    routerConfig: {
      has_user_worker: true,
      invoke_user_worker_ahead_of_assets: run_worker_first === true,
      static_routing: routes && {
        user_worker: routes.filter((route) => !route.startsWith('!')),
        asset_worker: routes.filter((route) => route.startsWith('!')).map((route) => route.slice(1)),
      },
    },
  };
}
