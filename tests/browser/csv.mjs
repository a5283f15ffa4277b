// CSV as RFC 4180 has it.

// The rows of a file; fails where it is malformed.
export function table(text) {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  const rows = [[]];
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (!found) throw new Error(`no cell of a CSV file: ${JSON.stringify(text.slice(at, at + 40))}`);
    const [, quoted, bare, end] = found;
    rows.at(-1).push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}
