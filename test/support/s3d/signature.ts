import { createHash, createHmac } from 'node:crypto';
import { type Asked, Refusal } from './asked.js';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const pattern =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Signature Version 4 over the header fields, and a payload hash that is the real one: what is unsigned or comes in
 * signed chunks is refused, because not every store checks those; without a body it is not held against it. Throws what S3 answers.
 */
export function checkSignature(
  asked: Asked,
  body: Buffer | undefined,
  { accessKeyId, secretAccessKey }: Credentials,
): void {
  const given = String(asked.headers['x-amz-content-sha256'] ?? '');
  const [, access, date = '', region = '', signed = '', signature] =
    pattern.exec(String(asked.headers.authorization ?? '')) ?? [];
  if (!signature) throw new Refusal(403, 'AccessDenied', 'no signature of version 4');
  if (access !== accessKeyId) throw new Refusal(403, 'InvalidAccessKeyId');
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', asked.headers['x-amz-date'], scope, sha256(canonical(asked, signed, given))];
  const key = [date, region, 's3', 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${secretAccessKey}`);
  if (hmac(key, text.join('\n')).toString('hex') !== signature) throw new Refusal(403, 'SignatureDoesNotMatch');
  if (!/^[0-9a-f]{64}$/.test(given)) throw new Refusal(400, 'InvalidArgument', `the payload hash is ${given}`);
  if (body && sha256(body) !== given) throw new Refusal(400, 'XAmzContentSHA256Mismatch');
}

function canonical(asked: Asked, signed: string, payload: string): string {
  const pairs = asked.rawQuery === '' ? [] : asked.rawQuery.split('&');
  const query = pairs.map((pair) => (pair.includes('=') ? pair : `${pair}=`)).sort();
  const fields = signed.split(';').map((name) => `${name}:${String(asked.headers[name] ?? '').trim()}\n`);
  return [asked.method, asked.path, query.join('&'), fields.join(''), signed, payload].join('\n');
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
