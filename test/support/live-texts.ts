import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What `live` shows of a night world: content by public path. */
export function liveTexts(root: string): Readonly<Record<string, string>> {
  const folder = path.join(root, 'public', 'live');
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}
