// Compiles payloads as literals of the services' types. A field that is unknown, missing or of another type is an error.

import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const types = { slack: 'SlackMessage', teams: 'TeamsMessage', pagerduty: 'PagerDutyEvent' };

const options = {
  strict: true,
  noEmit: true,
  // The types of PagerDuty's client name those of its HTTP client.
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  types: [],
};

// Returns the errors of each of `payloads`, which have a format and a body. Throws if the types themselves do not compile.
export function typeErrors(payloads) {
  const file = fileURLToPath(new URL('payloads.ts', import.meta.url));
  const imports = `import type { ${Object.values(types).join(', ')} } from './payload-types.js';`;
  // One line a payload, so that the line of an error is the number of its payload.
  const literals = payloads.map(({ format, body }, index) => `export const p${index}: ${types[format]} = ${body};`);
  const program = ts.createProgram([file], options, hostWith(file, [imports, ...literals].join('\n')));
  const errors = payloads.map(() => []);
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
    const isOfPayloads = diagnostic.file?.fileName === file;
    const line = isOfPayloads ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line : 0;
    if (line === 0) throw new Error(`the types of payloads do not compile: ${diagnostic.file?.fileName}: ${message}`);
    errors[line - 1].push(message);
  }
  return errors;
}

// Returns a compiler's host that reads `text` as the file `name`, and other files from the disk.
function hostWith(name, text) {
  const host = ts.createCompilerHost(options);
  const onDisk = host.getSourceFile;
  host.getSourceFile = (path, ...settings) =>
    path === name ? ts.createSourceFile(name, text, ...settings) : onDisk(path, ...settings);
  return host;
}
