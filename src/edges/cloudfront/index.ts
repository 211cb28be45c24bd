import { z } from 'zod';
import { baseUrl, checkWith, common, type EdgeInputBase, readWith, secretsIn, variable } from '../config.js';
import type { EdgeKind } from '../contract.js';
import { edgeOf, partsOf } from '../open.js';
import { accessBy } from './credentials.js';
import { requests } from './request.js';
import { signed } from './sign.js';

/** A distribution at Amazon CloudFront; it needs `cloudfront:CreateInvalidation`. */
export interface CloudfrontInput extends EdgeInputBase {
  readonly type: 'cloudfront';
  /** The distribution's id. */
  readonly distribution: string;
  /** Environment variables with the credentials, both or none; unless told, they are looked for as other AWS tools do. */
  readonly accessKeyIdEnv?: string;
  readonly secretAccessKeyEnv?: string;
  /** Of temporary credentials, together with the other two. */
  readonly sessionTokenEnv?: string;
  /** The API's address, for tests. */
  readonly endpoint?: string;
}

const shape = z
  .strictObject({
    type: z.literal('cloudfront'),
    ...common,
    distribution: z
      .string('expected the id of a distribution')
      .regex(/^[A-Z0-9]+$/, 'expected the id of a distribution'),
    accessKeyIdEnv: variable.optional(),
    secretAccessKeyEnv: variable.optional(),
    sessionTokenEnv: variable.optional(),
    endpoint: baseUrl.default('https://cloudfront.amazonaws.com'),
  })
  .refine(({ accessKeyIdEnv, secretAccessKeyEnv, sessionTokenEnv }) => {
    const named = [accessKeyIdEnv, secretAccessKeyEnv].filter((name) => name !== undefined).length;
    return named === 2 || (named === 0 && sessionTokenEnv === undefined);
  }, 'expected accessKeyIdEnv with secretAccessKeyEnv, or neither and no sessionTokenEnv');

export const cloudfront: EdgeKind = {
  check: (config, given) => checkWith(shape, config, given),
  secrets: secretsIn,
  open: (config, services) => {
    const { distribution, endpoint, ...own } = readWith(shape, config);
    const { credentials, lacks } = accessBy(own, services);
    const edge = edgeOf(own, partsOf(config, services), {
      async *requests(urls, { reference }, stop) {
        for (const request of requests({ distribution, endpoint }, urls, reference))
          yield await signed(request, await credentials(stop.now), services.clock());
      },
    });
    return { ...edge, lacks };
  },
};
