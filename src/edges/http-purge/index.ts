import { z } from 'zod';
import { baseUrl, checkWith, common, type EdgeInputBase, readWith, secretsIn, variable } from '../config.js';
import type { EdgeKind } from '../contract.js';
import { edgeOf, partsOf } from '../open.js';
import { requests } from './request.js';

/** Caches of one's own: Varnish, nginx with a cache-purge module, and whatever else takes a purge as a request. */
export interface HttpPurgeInput extends EdgeInputBase {
  readonly type: 'http-purge';
  /** `'PURGE'` unless told. */
  readonly method?: string;
  /** Addresses of the caches, each of which is told: `['http://10.0.0.1:6081', …]`; unless told, the `urls`. */
  readonly servers?: string | readonly string[];
  /** Stands before the path of what is purged: `'/purge'` for nginx' separate location. */
  readonly prefix?: string;
  /** Further headers, such as `{ 'X-Purge-Method': 'soft' }`. No secrets: see `tokenEnv`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Environment variable whose value is sent as the header `tokenHeader`. */
  readonly tokenEnv?: string;
  /** `'X-Purge-Token'` unless told. */
  readonly tokenHeader?: string;
}

const token = /^[!#$%&'*+.^_`|~\w-]+$/; // RFC 9110 §5.6.2
const headerName = z.string().regex(token, 'expected the name of a header');

const shape = z.strictObject({
  type: z.literal('http-purge'),
  ...common,
  method: z.string().regex(token, "expected a method such as 'PURGE'").default('PURGE'),
  servers: z.union([baseUrl, z.array(baseUrl).min(1)]).optional(),
  prefix: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, "expected a path such as '/purge'")
    .default(''),
  headers: z.record(headerName, z.string().regex(/^[\t\x20-\x7e]*$/, 'expected one line of ASCII')).default({}),
  tokenEnv: variable.optional(),
  tokenHeader: headerName.default('X-Purge-Token'),
});

export const httpPurge: EdgeKind = {
  check: (config, given) => checkWith(shape, config, given),
  secrets: secretsIn,
  open: (config, services) => {
    const { method, servers = [], prefix, headers, tokenEnv, tokenHeader, ...own } = readWith(shape, config);
    const secret = tokenEnv === undefined ? {} : { [tokenHeader]: services.secret(tokenEnv) ?? '' };
    const call = { method, prefix, servers: [servers].flat(), headers: { ...headers, ...secret } };
    return edgeOf(own, partsOf(config, services), { requests: (urls) => requests(call, urls) });
  },
};
