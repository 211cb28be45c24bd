import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Fault } from '../../domain/faults.js';
import { type Expected, unreadable } from './read.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html; what else is in it is not needed. */
const shape = z.object({
  fileFormat: z.literal('CSV'),
  fileSchema: z.string().min(1),
  files: z.array(z.object({ key: z.string().min(1), size: z.int().optional(), MD5checksum: z.string().optional() })),
});

export interface Manifest {
  readonly columns: readonly string[];
  readonly parts: readonly (Expected & { readonly file: string })[];
}

/** The `manifest.json` of an S3 Inventory that was copied here, its parts in the `data` folder they lie in there. */
export function readManifest(file: string): Manifest {
  const parsed = shape.safeParse(jsonAt(file));
  if (!parsed.success) {
    const { path: at = [], message = '' } = parsed.error.issues[0] ?? {};
    throw new Fault(
      'source-unreachable',
      `listing ${file} is no manifest of an S3 Inventory in CSV: ${at.join('.')}: ${message}`,
    );
  }
  const { fileSchema, files } = parsed.data;
  const parts = files.map(({ key, size, MD5checksum }) => ({ file: partAt(file, key), bytes: size, md5: MD5checksum }));
  return { columns: fileSchema.split(',').map((name) => name.trim()), parts };
}

function jsonAt(file: string): unknown {
  const text = textAt(file);
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault('source-unreachable', `listing ${file} is not believed: expected JSON; was it copied whole?`);
  }
}

function textAt(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** S3 puts `<instant>/manifest.json` beside `data/`; people copy one or all of it. */
function partAt(manifest: string, key: string): string {
  const [folder, name] = [path.dirname(manifest), path.posix.basename(key)];
  const places = [path.join(folder, '..', 'data', name), path.join(folder, 'data', name), path.join(folder, name)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Fault('source-unreachable', `listing ${manifest} names ${key}: expected it as ${places.join(' or ')}`);
}
