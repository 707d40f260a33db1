// `npm start`: all set-up, then the app on http://127.0.0.1:8787. PORT and HOST override.
import './check-node.mjs';
import { runMain } from './project.mjs';
import { serve } from './serve.mjs';

await runMain(() => serve({ defaultPort: '8787' }));
