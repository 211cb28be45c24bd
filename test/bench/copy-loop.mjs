/** Hash, copy and fsync every file, one after the other: what storing a copy safely costs without anything around it. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

const [source, target] = process.argv.slice(2);
mkdirSync(target, { recursive: true });
for (const file of readdirSync(source)) {
  const bytes = readFileSync(path.join(source, file));
  const handle = openSync(path.join(target, createHash('sha256').update(bytes).digest('hex')), 'w');
  writeSync(handle, bytes);
  fsyncSync(handle);
  closeSync(handle);
}
