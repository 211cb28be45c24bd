/** What is said of credentials that the AWS SDK looks for itself: which they are, and where else they could be. */
type Env = Readonly<Record<string, string | undefined>>;

export const lookedForCredentials = 'looked in the environment, in ~/.aws, and for a role of this container or machine';

export const noCredentialsHint =
  'export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…, or AWS_PROFILE=…, then: nightpress run {job}';

/** In the order of the SDK: a profile that is named comes before keys in the environment. */
export function refusedCredentialsHint(of: 'origin' | 'source', { AWS_PROFILE, AWS_ACCESS_KEY_ID }: Env): string {
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
