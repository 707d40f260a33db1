// `npm run conformance`: the app that the reference's public protocol suites expect, on http://127.0.0.1:3000.
import './check-node.mjs';
import { runMain } from './project.mjs';
import { serve } from './serve.mjs';

const vars = {
  APP: 'conformance',
  PING_INTERVAL_MS: 300,
  PING_TIMEOUT_MS: 200,
  CONNECT_TIMEOUT_MS: 1000,
  CORS_ORIGIN: '*',
  ALLOW_EIO3: 'true',
};

await runMain(() => serve({ defaultPort: '3000', vars }));
