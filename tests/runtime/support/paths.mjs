import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = path.resolve(path.dirname(realpathSync(fileURLToPath(import.meta.url))), '../../..');
