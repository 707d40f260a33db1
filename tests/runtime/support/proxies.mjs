// Real proxies in front of a server, each on a port of its own: nginx, Caddy and HAProxy, as people set them up and as
// docs/operations.md says.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { blocksOf } from '../../docs/markdown.mjs';
import { programFrom } from './clients.mjs';
import { start } from './processes.mjs';
import { eventually } from './wait.mjs';
import { request } from './wire.mjs';

const UPGRADES = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
const pass = (upstream, more) => `location / { proxy_pass ${upstream}; ${more} }`;

/** What stands in a `server` of nginx, from the upstream's URL. Each adds `Connection: upgrade` to plain polls too, as in most tutorials. */
const NGINX = {
  'nginx, Host $http_host': (upstream) => pass(upstream, `${UPGRADES} proxy_set_header Host $http_host;`),
  'nginx, Host $host without the port': (upstream) => pass(upstream, `${UPGRADES} proxy_set_header Host $host;`),
  'nginx, Host of the upstream': (upstream) => pass(upstream, UPGRADES),
  'nginx, HTTP/1.0': (upstream) => pass(upstream, ''),
  'nginx below /chat/': (upstream) => `location /chat/ { proxy_pass ${upstream}/; ${UPGRADES} proxy_set_header Host $http_host; }`,
  'nginx as documented': (upstream) => documented('nginx', [['https://roomcast.account.workers.dev', upstream]]),
};

const caddyfile = (site) => `{\n admin off\n auto_https off\n default_bind 127.0.0.1\n}\n${site}\n`;
const CADDY = {
  'Caddy': (upstream, port) => `http://127.0.0.1:${port} {\n reverse_proxy ${upstream}\n}`,
  'Caddy as documented': (upstream, port) => documented('caddy', [
    ['chat.example.com', `http://127.0.0.1:${port}`], ['https://roomcast.account.workers.dev', upstream],
  ]),
};

const HAPROXY = {
  'HAProxy': (upstream, port) => `defaults
 mode http
 timeout connect 5s
 timeout client 30s
 timeout server 30s
frontend f
 bind 127.0.0.1:${port}
 default_backend b
backend b
 server s ${new URL(upstream).host}
`,
  'HAProxy as documented': (upstream, port) => documented('haproxy', [
    ['bind :80', `bind 127.0.0.1:${port}`],
    ['roomcast.account.workers.dev:443 ssl verify required ca-file @system-ca sni req.hdr(Host)', new URL(upstream).host],
  ]),
};

/** The only block of docs/operations.md in this language, with the addresses of a test in it. */
function documented(language, addresses) {
  const [block, ...others] = blocksOf('docs/operations.md').filter((each) => each.language === language);
  assert.ok(block && others.length === 0, `docs/operations.md has one block of ${language}`);
  return addresses.reduce((code, [from, to]) => {
    assert.ok(code.includes(from), `${from} is in ${code}`);
    return code.replace(from, () => to);
  }, block.code);
}

/** The names of all set-ups. */
export const PROXIES = [...Object.keys(NGINX), ...Object.keys(CADDY), ...Object.keys(HAPROXY)];

/**
 * Starts them in front of the server at `upstream`; `ports` has the port of each by name, and those without one are left out. The result
 * is what ends them.
 */
export async function startProxies(upstream, ports) {
  const folder = mkdtempSync(path.join(tmpdir(), 'roomcast-proxies-'));
  const file = (name, text) => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const chosen = (setups) => Object.entries(setups).filter(([name]) => ports[name]);
  const programs = {};
  const servers = chosen(NGINX).map(([name, inside]) => `server { listen 127.0.0.1:${ports[name]}; ${inside(upstream)} }`);
  if (servers.length > 0) {
    const program = programFrom('ROOMCAST_NGINX', 'nginx');
    programs.nginx = start(program, ['-e', 'stderr', '-p', folder, '-c', file('nginx.conf', nginxConfig(servers))]);
  }
  for (const [name, site] of chosen(CADDY)) {
    const config = file(`Caddyfile-${ports[name]}`, caddyfile(site(upstream, ports[name])));
    const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    programs[name] = start(programFrom('ROOMCAST_CADDY', 'Caddy'), ['run', '--adapter', 'caddyfile', '--config', config], { env });
  }
  for (const [name, config] of chosen(HAPROXY)) {
    programs[name] = start(programFrom('ROOMCAST_HAPROXY', 'HAProxy'), ['-db', '-f', file(`haproxy-${ports[name]}.cfg`, config(upstream, ports[name]))]);
  }
  const stop = async () => {
    await Promise.all(Object.values(programs).map((program) => program.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  const complaints = () => Object.entries(programs).map(([name, { output }]) => `${name}: ${output()}`).join('\n');
  try {
    for (const [name, port] of Object.entries(ports)) {
      await eventually(() => request(`http://127.0.0.1:${port}/`).catch(() => null), `${name} to answer`);
    }
  } catch (error) {
    await stop();
    throw new Error(`${error.message}; they printed ${complaints()}`);
  }
  return stop;
}

const nginxConfig = (servers) => `daemon off; master_process off; pid nginx.pid; events {}
http {
 access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
 ${servers.join('\n ')}
}
`;
