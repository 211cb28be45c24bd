import { z } from 'zod';
import { baseUrl, checkWith, common, type EdgeInputBase, readWith, secretsIn, variable } from '../config.js';
import type { EdgeKind } from '../contract.js';
import { edgeOf, partsOf } from '../open.js';
import { againAfterMs, requests } from './request.js';

/** A service at Fastly. */
export interface FastlyInput extends EdgeInputBase {
  readonly type: 'fastly';
  /** Environment variable with an API token of scope `purge_select`; `FASTLY_TOKEN` unless told. */
  readonly tokenEnv?: string;
  /** Marks the head as stale instead of removing it: readers may get the old one once more. */
  readonly soft?: boolean;
  /** Where the origin tags `head.json` with a `Surrogate-Key`: the service and that key. Otherwise its URL is purged. */
  readonly tag?: { readonly service: string; readonly surrogateKey: string };
  /** The API's address, for tests. */
  readonly endpoint?: string;
}

const keyText = 'expected one surrogate key: no spaces, and nothing that an URL escapes';

const shape = z.strictObject({
  type: z.literal('fastly'),
  ...common,
  tokenEnv: variable.default('FASTLY_TOKEN'),
  soft: z.boolean('expected true or false').default(false),
  tag: z
    .strictObject({
      service: z.string().regex(/^[A-Za-z0-9]+$/, 'expected the id of a service'),
      surrogateKey: z.string(keyText).regex(/^[\w.~-]+$/, keyText),
    })
    .optional(),
  endpoint: baseUrl.default('https://api.fastly.com'),
});

export const fastly: EdgeKind = {
  check: (config, given) => checkWith(shape, config, given),
  secrets: secretsIn,
  open: (config, services) => {
    const { tokenEnv, soft, tag, endpoint, ...own } = readWith(shape, config);
    const call = { soft, tag, endpoint, token: services.secret(tokenEnv) ?? '' };
    return edgeOf(own, partsOf(config, services), { requests: (urls) => requests(call, urls), againAfterMs });
  },
};
