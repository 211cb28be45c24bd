import { z } from 'zod';
import { baseUrl, checkWith, common, type EdgeInputBase, readWith, secretsIn, variable } from '../config.js';
import type { EdgeKind, EdgeServices } from '../contract.js';
import { edgeOf, partsOf } from '../open.js';
import { requests } from './request.js';
import { type AwsCredentials, signed } from './sign.js';

/** A distribution at Amazon CloudFront; it needs `cloudfront:CreateInvalidation`. */
export interface CloudfrontInput extends EdgeInputBase {
  readonly type: 'cloudfront';
  /** The distribution's id. */
  readonly distribution: string;
  /** Environment variables with the credentials; `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` unless told. */
  readonly accessKeyIdEnv?: string;
  readonly secretAccessKeyEnv?: string;
  /** Of temporary credentials; unless told, `AWS_SESSION_TOKEN` where it is set and the other two are the usual ones. */
  readonly sessionTokenEnv?: string;
  /** The API's address, for tests. */
  readonly endpoint?: string;
}

const usual = { id: 'AWS_ACCESS_KEY_ID', secret: 'AWS_SECRET_ACCESS_KEY', session: 'AWS_SESSION_TOKEN' } as const;

const shape = z.strictObject({
  type: z.literal('cloudfront'),
  ...common,
  distribution: z.string('expected the id of a distribution').regex(/^[A-Z0-9]+$/, 'expected the id of a distribution'),
  accessKeyIdEnv: variable.default(usual.id),
  secretAccessKeyEnv: variable.default(usual.secret),
  sessionTokenEnv: variable.optional(),
  endpoint: baseUrl.default('https://cloudfront.amazonaws.com'),
});

export const cloudfront: EdgeKind = {
  check: (config, given) => checkWith(shape, config, given),
  secrets: secretsIn,
  open: (config, services) => {
    const { distribution, endpoint, ...own } = readWith(shape, config);
    const credentials = credentialsFrom(own, services);
    const parts = partsOf(config, services);
    const secrets = [...parts.secrets, ...(credentials.sessionToken ? [credentials.sessionToken] : [])];
    return edgeOf(
      own,
      { services, secrets },
      {
        async *requests(urls, { reference }) {
          for (const request of requests({ distribution, endpoint }, urls, reference))
            yield await signed(request, credentials, services.clock());
        },
      },
    );
  },
};

type Variables = Pick<z.infer<typeof shape>, 'accessKeyIdEnv' | 'secretAccessKeyEnv' | 'sessionTokenEnv'>;

function credentialsFrom(names: Variables, { secret }: EdgeServices): AwsCredentials {
  const { accessKeyIdEnv, secretAccessKeyEnv, sessionTokenEnv } = names;
  const isUsual = accessKeyIdEnv === usual.id && secretAccessKeyEnv === usual.secret;
  const sessionToken = sessionTokenEnv ?? (isUsual ? usual.session : undefined);
  return {
    accessKeyId: secret(accessKeyIdEnv) ?? '',
    secretAccessKey: secret(secretAccessKeyEnv) ?? '',
    ...(sessionToken && secret(sessionToken) && { sessionToken: secret(sessionToken) }),
  };
}
