// A strict reader of CSV (RFC 4180).

// Returns the rows of a file. Throws if it is malformed, or does not begin with a byte order mark.
export function parseCsv(file) {
  if (!file.startsWith('\u{feff}')) throw new Error('the CSV file has no byte order mark');
  const text = file.slice(1);
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  const rows = [[]];
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (!found) throw new Error(`not a cell of a CSV file: ${JSON.stringify(text.slice(at, at + 40))}`);
    const [, quoted, bare, end] = found;
    rows.at(-1).push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}
