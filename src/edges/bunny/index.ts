import { z } from 'zod';
import { baseUrl, checkWith, common, type EdgeInputBase, readWith, secretsIn, variable } from '../config.js';
import type { EdgeKind } from '../contract.js';
import { edgeOf, partsOf } from '../open.js';
import { requests } from './request.js';

/** Pull zones at bunny.net. */
export interface BunnyInput extends EdgeInputBase {
  readonly type: 'bunny';
  /** Environment variable with the account's API key; `BUNNY_API_KEY` unless told. */
  readonly tokenEnv?: string;
  /** The API's address, for tests. */
  readonly endpoint?: string;
}

const shape = z.strictObject({
  type: z.literal('bunny'),
  ...common,
  tokenEnv: variable.default('BUNNY_API_KEY'),
  endpoint: baseUrl.default('https://api.bunny.net'),
});

export const bunny: EdgeKind = {
  check: (config, given) => checkWith(shape, config, given),
  secrets: secretsIn,
  open: (config, services) => {
    const { tokenEnv, endpoint, ...own } = readWith(shape, config);
    const call = { endpoint, token: services.secret(tokenEnv) ?? '' };
    return edgeOf(own, partsOf(config, services), { requests: (urls) => requests(call, urls) });
  },
};
