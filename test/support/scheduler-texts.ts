/** Texts of schedulers, read as the schedulers read them, as far as ours go. Anything else throws. */

/** Words of an `ExecStart` with the `:` prefix: C escapes inside double quotes, `%%` for `%`, `$` as it is. */
export function unitWords(text: string): readonly string[] {
  const words = text.match(/"(?:[^"\\]|\\.)*"|[^\s"\\]+/g) ?? [];
  if (words.join(' ') !== text) throw new Error(`not words of a unit: ${text}`);
  return words.map((word) => {
    const bare = word.startsWith('"') ? JSON.parse(word) : word;
    if (/%/.test(bare.replaceAll('%%', ''))) throw new Error(`a specifier in ${word}`);
    return bare.replaceAll('%%', '%');
  });
}

/** Block YAML of maps, lists, JSON scalars and plain words. */
export function parseYaml(text: string): unknown {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const value = block(lines, indentOf(lines[0] ?? ''));
  if (lines.length > 0) throw new Error(`not understood from: ${lines[0]}`);
  return value;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Takes the lines of one map or list off the front. */
function block(lines: string[], indent: number): unknown {
  const list: unknown[] = [];
  const map: Record<string, unknown> = {};
  while (lines[0] !== undefined && indentOf(lines[0]) === indent) {
    const line = lines[0].slice(indent);
    if (line.startsWith('- ')) {
      const item = line.slice(2);
      if (/^\w+:( |$)/.test(item)) {
        lines[0] = `${' '.repeat(indent + 2)}${item}`;
        list.push(block(lines, indent + 2));
      } else {
        lines.shift();
        list.push(scalar(item));
      }
      continue;
    }
    const [, key, rest = ''] = /^(\w+):(?: (.*))?$/.exec(line) ?? [];
    if (key === undefined) throw new Error(`no key in: ${line}`);
    lines.shift();
    map[key] = rest === '' ? block(lines, indentOf(lines[0] ?? '')) : scalar(rest);
  }
  return list.length > 0 ? list : map;
}

function scalar(text: string): unknown {
  if (/^["\d-]|^(true|false)$/.test(text)) return JSON.parse(text);
  if (!/^[A-Za-z][\w./-]*$/.test(text) || /^(null|yes|no|on|off|y|n)$/i.test(text))
    throw new Error(`not plain: ${text}`);
  return text;
}
