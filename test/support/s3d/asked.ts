import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type Kind =
  | 'put'
  | 'get'
  | 'head'
  | 'delete'
  | 'list'
  | 'delete-many'
  | 'head-bucket'
  | 'create-upload'
  | 'put-part'
  | 'complete-upload'
  | 'abort-upload'
  | 'list-parts'
  | 'list-uploads';

/** One request, told apart but not yet answered. */
export interface Asked {
  readonly kind: Kind;
  readonly method: string;
  readonly bucket: string;
  /** Decoded; empty for requests about the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As sent, for the signature. */
  readonly path: string;
  readonly rawQuery: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** What S3 says against a request. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string = code,
  ) {
    super(message);
  }

  answer(): Answer {
    return xml(this.status, `<Error><Code>${this.code}</Code><Message>${escapeXml(this.message)}</Message></Error>`);
  }
}

export function xml(status: number, text: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${text}`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => entities[sign] ?? sign);
}

/** The texts of all elements of this name, in order. */
export function textsOf(source: string, element: string): readonly string[] {
  const found = source.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'));
  return [...found].map(([, text = '']) => {
    const plain = text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
    return plain.replaceAll('&amp;', '&');
  });
}

export function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest();
}

/** What a request line and its headers ask for. Throws `NotImplemented` for all else. */
export function readAsked(method: string, url: string, headers: IncomingHttpHeaders): Asked {
  const [path = '', rawQuery = ''] = url.split('?', 2);
  const [, bucket = '', ...rest] = path.split('/');
  const key = decodeURIComponent(rest.join('/'));
  const query = new URLSearchParams(rawQuery);
  const kind = kindOf(method, key, query);
  if (!kind) throw new Refusal(501, 'NotImplemented', `${method} ${url}`);
  return { kind, method, bucket: decodeURIComponent(bucket), key, query, headers, path, rawQuery };
}

/** By method, and by the query parameter that tells requests of one method apart; without one it is the plain request. */
const ofBucket: readonly (readonly [string, string, Kind])[] = [
  ['GET', 'uploads', 'list-uploads'],
  ['GET', 'list-type', 'list'],
  ['POST', 'delete', 'delete-many'],
  ['HEAD', '', 'head-bucket'],
];
const ofObject: readonly (readonly [string, string, Kind])[] = [
  ['PUT', 'uploadId', 'put-part'],
  ['GET', 'uploadId', 'list-parts'],
  ['DELETE', 'uploadId', 'abort-upload'],
  ['POST', 'uploadId', 'complete-upload'],
  ['POST', 'uploads', 'create-upload'],
  ['PUT', '', 'put'],
  ['GET', '', 'get'],
  ['DELETE', '', 'delete'],
  ['HEAD', '', 'head'],
];

function kindOf(method: string, key: string, query: URLSearchParams): Kind | undefined {
  const table = key === '' ? ofBucket : ofObject;
  return table.find(([verb, parameter]) => verb === method && (parameter === '' || query.has(parameter)))?.[2];
}
