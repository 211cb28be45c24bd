import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of this installation by its path from the package's folder, wherever the asking code was bundled to. */
export function installed(...segments: readonly string[]): string {
  return path.join(packageFolder, ...segments);
}

const packageFolder = nearestPackage(path.dirname(fileURLToPath(import.meta.url)));

function nearestPackage(folder: string): string {
  if (existsSync(path.join(folder, 'package.json'))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error(`no package.json at or above ${fileURLToPath(import.meta.url)}`);
  return nearestPackage(parent);
}
