import { z } from 'zod';
import { Fault } from '../../domain/faults.js';
import { baseUrl, checkWith, common, type EdgeInputBase, readWith, secretsIn, variable } from '../config.js';
import type { EdgeKind } from '../contract.js';
import { edgeOf, partsOf } from '../open.js';
import { excerpt } from '../send.js';
import { requests } from './request.js';

/** A zone at Cloudflare. */
export interface CloudflareInput extends EdgeInputBase {
  readonly type: 'cloudflare';
  /** The zone's id: 32 hex digits. */
  readonly zone: string;
  /** Environment variable with an API token that may purge (`Zone → Cache Purge`); `CLOUDFLARE_TOKEN` unless told. */
  readonly tokenEnv?: string;
  /** The API's address, for tests. */
  readonly endpoint?: string;
}

const shape = z.strictObject({
  type: z.literal('cloudflare'),
  ...common,
  zone: z.string('expected the id of a zone').regex(/^[0-9a-f]{32}$/, 'expected the id of a zone, 32 hex digits'),
  tokenEnv: variable.default('CLOUDFLARE_TOKEN'),
  endpoint: baseUrl.default('https://api.cloudflare.com/client/v4'),
});

export const cloudflare: EdgeKind = {
  check: (config, given) => checkWith(shape, config, given),
  secrets: secretsIn,
  open: (config, services) => {
    const { zone, tokenEnv, endpoint, ...own } = readWith(shape, config);
    const parts = partsOf(config, services);
    const call = { zone, endpoint, token: services.secret(tokenEnv) ?? '' };
    const judge = (text: string) => refuseFailure(text, parts.secrets);
    return edgeOf(own, parts, { requests: (urls) => requests(call, urls), judge });
  },
};

/** Every answer of this API is an envelope, and says in it whether the call was a success. */
function refuseFailure(text: string, secrets: readonly string[]): void {
  if (/"success"\s*:\s*true/.test(text)) return;
  throw new Fault('edge-refused', `cloudflare did not purge: ${excerpt(text, secrets)}`);
}
