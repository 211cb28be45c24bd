/** What nightpress reads of a row; every other column is somebody else's. */
export type Field =
  | 'key'
  | 'bytes'
  | 'modified'
  | 'etag'
  | 'version'
  | 'sha256'
  | 'path'
  | 'bucket'
  | 'latest'
  | 'deleted';

export type Fields = { readonly [field in Field]?: string };

/** One row as it stands there, or what keeps it from being one. Lines count from 1. */
export type Line =
  | { readonly line: number; readonly fields: Fields }
  | { readonly line: number; readonly expected: string };

/** Every name is compared without case, `_`, `-` and spaces. Those of S3 Inventory are among them. */
const names: Readonly<Record<Field, readonly string[]>> = {
  key: ['key'],
  bytes: ['bytes', 'size'],
  modified: ['modified', 'lastmodified', 'lastmodifieddate', 'mtime'],
  etag: ['etag'],
  version: ['version', 'versionid'],
  sha256: ['sha256'],
  path: ['path', 'location'],
  bucket: ['bucket'],
  latest: ['islatest'],
  deleted: ['isdeletemarker'],
};

const byName = new Map(Object.entries(names).flatMap(([field, all]) => all.map((one) => [one, field as Field])));

export function fieldNamed(name: string): Field | undefined {
  return byName.get(name.toLowerCase().replace(/[\s_-]/g, ''));
}
