import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../../docs/RELIABILITY.md', import.meta.url));

/** Puts a text between the two marks of this name in docs/RELIABILITY.md. */
export async function writeSection(name: string, section: string): Promise<void> {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const text = await readFile(file, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file}: expected ${begin} and ${end} around the table`);
  await writeFile(file, `${text.slice(0, from)}${begin}\n${section}\n${text.slice(to)}`);
}

/** A table of Markdown. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [header, header.map(() => '---'), ...rows].map(row).join('\n');
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}
