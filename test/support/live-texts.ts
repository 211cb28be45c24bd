import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What `live` shows of a night world: content by public path. */
export function liveTexts(root: string): Readonly<Record<string, string>> {
  const folder = path.join(root, 'public', 'live');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((file) => path.relative(folder, path.join(file.parentPath ?? file.path, file.name)));
  return Object.fromEntries(paths.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}
