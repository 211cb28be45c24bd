import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface InventoryRow {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  readonly modified: string;
}

/** Files below a folder, and the inventory of them that somebody else would write. */
export class InventoriedFolder {
  readonly rows = new Map<string, InventoryRow>();

  private constructor(
    readonly place: string,
    private readonly text: (rows: readonly InventoryRow[]) => string | Buffer,
    name: string,
  ) {
    this.root = path.join(place, 'library');
    this.file = path.join(place, name);
  }

  readonly root: string;
  readonly file: string;

  static async make(
    name: string,
    text: (rows: readonly InventoryRow[]) => string | Buffer,
  ): Promise<InventoriedFolder> {
    const folder = new InventoriedFolder(await mkdtemp(path.join(tmpdir(), 'nightpress-listing-')), text, name);
    await mkdir(folder.root);
    await folder.write();
    return folder;
  }

  async put(key: string, bytes: Uint8Array | string): Promise<void> {
    await mkdir(path.dirname(path.join(this.root, key)), { recursive: true });
    await writeFile(path.join(this.root, key), bytes);
    const etag = createHash('md5').update(bytes).digest('hex');
    this.rows.set(key, { key, bytes: Buffer.byteLength(bytes), etag, modified: new Date().toISOString() });
    await this.write();
  }

  async remove(key: string): Promise<void> {
    await rm(path.join(this.root, key));
    this.rows.delete(key);
    await this.write();
  }

  /** The inventory as its owner should: whole under another name, then renamed. */
  async write(): Promise<void> {
    await writeFile(`${this.file}.new`, this.text([...this.rows.values()]));
    await rename(`${this.file}.new`, this.file);
  }

  async lose(): Promise<void> {
    await rename(this.root, path.join(this.place, 'unmounted'));
  }

  async end(): Promise<void> {
    await rm(this.place, { recursive: true, force: true });
  }
}

/** A line each; none is a line without anything, for an inventory without a byte is a failed export. */
export function ndjson(rows: readonly object[]): string {
  return `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
}

export function csv(rows: readonly InventoryRow[]): string {
  const quoted = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
  const lines = rows.map(({ key, bytes, etag, modified }) => [key, bytes, etag, modified].map(quoted).join(','));
  return `${['Key,Size,ETag,LastModifiedDate', ...lines].join('\r\n')}\r\n`;
}
