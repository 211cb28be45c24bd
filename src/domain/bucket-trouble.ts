import { Fault } from './faults.js';

/*
 * What stores and the AWS SDK say by name, as sources and origins in buckets take it alike. The SDK looks for credentials
 * itself, so nothing here knows more of them than where they could be.
 */

/** There are none, or what there was has run out. */
export const credentialsMissing: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError']);

/** Said of whoever asks, whatever is asked for. */
export const credentialsRefused: ReadonlySet<string> = new Set([
  ...credentialsMissing,
  'AuthorizationHeaderMalformed',
  'ERR_INVALID_CHAR', // of a header field, and only credentials are put there as somebody wrote them
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);

/** Nobody is there at all: no request left this machine, so nothing was or will be done. */
export const unsent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

type Party = 'origin' | 'source';
type Env = Readonly<Record<string, string | undefined>>;

export interface Absence {
  readonly of: Party;
  readonly place: string;
  readonly name: string;
  /** What was said, in one line. */
  readonly because: string;
  readonly cause: unknown;
}

/** The fault where credentials were not found, or the bucket is not there; undefined for any other name. */
export function absentFault({ of, place, name, because, cause }: Absence): Fault | undefined {
  if (name === 'CredentialsProviderError') {
    const where = 'looked in the environment, in ~/.aws, and for a role of this container or machine';
    const hint = 'export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…, or AWS_PROFILE=…, then: nightpress run {job}';
    const message = `no credentials for ${of} ${place} were found: ${where} (${because})`;
    return new Fault('credentials-refused', message, { cause, hint });
  }
  if (name !== 'NoSuchBucket') return undefined;
  const hint = `make the bucket, or mend ${of} in the job file, then: nightpress run {job}`;
  return new Fault(`${of}-unreachable`, `${of} ${place} does not exist (${because})`, { cause, hint });
}

/** In the order of the SDK: a profile that is named comes before keys in the environment. */
export function refusedCredentialsHint(of: Party, { AWS_PROFILE, AWS_ACCESS_KEY_ID }: Env): string {
  const profile = AWS_PROFILE ? `profile '${AWS_PROFILE}' of ~/.aws` : undefined;
  const keys = AWS_ACCESS_KEY_ID ? 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment' : undefined;
  const which = profile ?? keys ?? 'the default profile of ~/.aws, or the role of this container or machine';
  return `check the credentials of the ${of} (${which}), then: nightpress run {job}`;
}

/** The SDK's words where a store gave none. */
const noWords = new Set(['', 'UnknownError', 'Unknown']);

/** `InvalidAccessKeyId, 403: words of the store`, in one line. */
export function saidBy(told: { readonly name: string; readonly status?: number; readonly message: string }): string {
  const who = [told.name, told.status].filter(Boolean).join(', ');
  const message = noWords.has(told.message) || told.message === told.name ? [] : [told.message];
  return [who, ...message]
    .filter((part) => part !== '')
    .join(': ')
    .replace(/\s+/g, ' ')
    .slice(0, 300);
}
