// The TypeScript compiler, with the options of tests/types/tsconfig.json.
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../runtime/support/paths.mjs';

const folder = join(ROOT, 'tests', 'types');

/** What `tsc --noEmit` has to say of these files. */
export function complaints(files) {
  const config = ts.readConfigFile(join(folder, 'tsconfig.json'), ts.sys.readFile);
  const { options, errors } = ts.parseJsonConfigFileContent(config.config, ts.sys, folder);
  const program = ts.createProgram(files, options);
  return [...errors, ...ts.getPreEmitDiagnostics(program)].map((each) => {
    const place = each.file ? `${each.file.fileName}:${each.file.getLineAndCharacterOfPosition(each.start).line + 1}: ` : '';
    return place + ts.flattenDiagnosticMessageText(each.messageText, '\n');
  });
}
