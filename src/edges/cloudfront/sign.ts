import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { EdgeRequest } from '../send.js';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** CloudFront is one global service, whose requests are signed for this region (its endpoint in AWS General Reference). */
const region = 'us-east-1';

/** The call with AWS Signature Version 4: good for a few minutes from `now`, so every call is signed on its own. */
export async function signed(request: EdgeRequest, credentials: AwsCredentials, now: number): Promise<EdgeRequest> {
  const { protocol, hostname, port, pathname, host } = new URL(request.url);
  const signer = new SignatureV4({ service: 'cloudfront', region, credentials, sha256: Sha256 });
  const plain = {
    method: request.method,
    protocol,
    hostname,
    ...(port && { port: Number(port) }),
    path: pathname,
    headers: { ...request.headers, host },
    body: request.body,
  };
  const { headers } = await signer.sign(plain, { signingDate: new Date(now) });
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials;
  return { ...request, headers, secrets: [accessKeyId, secretAccessKey, sessionToken] };
}

/** What the signer wants of a hash, by `node:crypto`. */
class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.hash.digest());
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}
