import { credentialsMissing } from '../../domain/bucket-trouble.js';
import { errno, Fault } from '../../domain/faults.js';
import type { EdgeServices } from '../contract.js';
import { hint } from '../send.js';
import type { AwsCredentials } from './sign.js';

/** Variables that the job file names. */
export interface NamedVariables {
  readonly accessKeyIdEnv?: string;
  readonly secretAccessKeyEnv?: string;
  readonly sessionTokenEnv?: string;
}

export interface AwsAccess {
  /** What is good now: temporary credentials are renewed when their time is over. Rejects with a `Fault` of `Edge.purge`. */
  readonly credentials: (stop: AbortSignal) => Promise<AwsCredentials>;
  /** As of `Edge`; not there where variables are named. */
  readonly lacks?: () => Promise<string | undefined>;
}

export function accessBy(names: NamedVariables, services: EdgeServices): AwsAccess {
  const named = namedCredentials(names, services.secret);
  if (named) return { credentials: async () => named };
  const look = usualCredentials();
  const late = () => AbortSignal.timeout(services.tryMs);
  return {
    credentials: async (stop) => {
      try {
        return await before(AbortSignal.any([late(), stop]), look());
      } catch (error) {
        throw faultOf(error);
      }
    },
    lacks: async () => {
      const why = await before(late(), look()).catch((error: unknown) => error);
      return areMissing(why) ? lookedFor() : undefined; // whoever hands them out may be there again when they are needed
    },
  };
}

function namedCredentials(names: NamedVariables, secret: EdgeServices['secret']): AwsCredentials | undefined {
  const { accessKeyIdEnv, secretAccessKeyEnv, sessionTokenEnv } = names;
  if (accessKeyIdEnv === undefined || secretAccessKeyEnv === undefined) return undefined;
  const sessionToken = sessionTokenEnv && secret(sessionTokenEnv);
  return {
    accessKeyId: secret(accessKeyIdEnv) ?? '',
    secretAccessKey: secret(secretAccessKeyEnv) ?? '',
    ...(sessionToken && { sessionToken }),
  };
}

/** Where the AWS SDK looks, as for the `s3` origin; loaded when first asked, since few commands tell an edge. */
function usualCredentials(): () => Promise<AwsCredentials> {
  let chain: (() => Promise<AwsCredentials>) | undefined;
  return async () => {
    // The advice to change Node is for whoever pins the SDK in package.json, not for whoever runs a night.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    chain ??= (await import('@aws-sdk/credential-provider-node')).defaultProvider();
    return await chain();
  };
}

/** In words that follow "expected". Not the SDK's own, which may repeat a command of a profile. */
function lookedFor(): string {
  const profile = process.env.AWS_PROFILE || 'default';
  return (
    'AWS credentials that may be used: looked for AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, ' +
    `for profile '${profile}' (keys, SSO, role or process) in the files of ~/.aws or AWS_SHARED_CREDENTIALS_FILE and ` +
    'AWS_CONFIG_FILE, for a web identity, and for a role of the container or machine'
  );
}

/** Another try finds the same. */
function areMissing(error: unknown): boolean {
  return error instanceof Error && credentialsMissing.has(error.name);
}

function faultOf(cause: unknown): Fault {
  if (areMissing(cause)) return new Fault('credentials-refused', `expected ${lookedFor()}`, { hint, cause });
  const reason = errno(cause) ?? (cause instanceof Error ? cause.name : 'no reason was given');
  return new Fault('edge-unreachable', `AWS credentials cannot be got (${reason})`, { hint, cause });
}

/** Some ways to credentials know no time limit of their own. */
async function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const ended = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return await Promise.race([work, ended]);
}
