import { md5 } from './asked.js';

export interface StoredObject {
  readonly body: Buffer;
  /** Quoted, as S3 shows it. */
  readonly etag: string;
  /** Header fields that come back with it: content type, cache control, metadata. */
  readonly headers: Readonly<Record<string, string>>;
  readonly at: number;
  readonly version: string;
}

export interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string }>;
  readonly at: number;
}

/** Objects in memory. Every write is kept, so that an older one can be read: by version, or stale by a fault. */
export class Bucket {
  readonly uploads = new Map<string, Upload>();
  readonly #history = new Map<string, (StoredObject | undefined)[]>();
  #sorted: readonly string[] | undefined;
  #count = 0;

  get(key: string): StoredObject | undefined {
    return this.#history.get(key)?.at(-1);
  }

  /** What was there before the newest write or deletion. */
  before(key: string): StoredObject | undefined {
    return this.#history.get(key)?.at(-2);
  }

  version(key: string, version: string): StoredObject | undefined {
    return this.#history.get(key)?.find((object) => object?.version === version);
  }

  put(key: string, object: Omit<StoredObject, 'version' | 'etag'> & { readonly etag?: string }): StoredObject {
    const etag = object.etag ?? `"${md5(object.body).toString('hex')}"`;
    const stored = { ...object, etag, version: `v${++this.#count}` };
    this.#write(key, stored);
    return stored;
  }

  delete(key: string): void {
    if (this.get(key)) this.#write(key, undefined);
  }

  /** Keys of what is there now, by the bytes of UTF-8. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.#history.keys()]
      .filter((key) => this.get(key))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return this.#sorted;
  }

  beginUpload(upload: Omit<Upload, 'parts'>): string {
    const id = `upload-${++this.#count}`;
    this.uploads.set(id, { ...upload, parts: new Map() });
    return id;
  }

  #write(key: string, object: StoredObject | undefined): void {
    const history = this.#history.get(key) ?? [];
    this.#history.set(key, history);
    history.push(object);
    this.#sorted = undefined;
  }
}
