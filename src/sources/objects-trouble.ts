import { absentFault, credentialsRefused, refusedCredentialsHint, saidBy, unsent } from '../domain/bucket-trouble.js';
import { errno, Fault } from '../domain/faults.js';

/** What is known of an error that the SDK threw; its classes are not looked at, so that this file does not load it. */
interface Told {
  readonly name: string;
  readonly message: string;
  readonly status?: number;
  readonly code?: string;
}

function toldBy(error: unknown): Told {
  const {
    name = 'Error',
    message = String(error),
    $metadata,
  } = error as Partial<Error> & {
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  return { name, message, status: $metadata?.httpStatusCode, code: errno(error) };
}

/** What one answer means for one object, or for all of them. */
export type Trouble = 'gone' | 'changed' | 'archived' | 'denied' | 'refused' | 'unreachable' | 'passing';

export function troubleOf(error: unknown): Trouble {
  const { name, status, code } = toldBy(error);
  if ([name, code ?? ''].some((one) => credentialsRefused.has(one)) || status === 401) return 'refused';
  if (name === 'InvalidObjectState') return 'archived';
  if (status === 403) return 'denied';
  if (status === 412) return 'changed';
  if (status === 404 && name !== 'NoSuchBucket') return 'gone';
  if (status === 404 || (status !== undefined && status < 400) || unsent.has(code ?? '')) return 'unreachable';
  return 'passing';
}

/** Nobody answered, or whoever did is in trouble or has too much to do; what the SDK refuses by itself stays so. */
function mayPass({ status, code, name }: Told): boolean {
  if (status === undefined) return code !== undefined || name === 'TimeoutError';
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

/** The bucket as a whole cannot be listed or read. Whatever is no trouble of a request is a bug, and thrown as it is. */
export function bucketFault(where: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const told = toldBy(error);
  const { name, message, status } = told;
  if (told.code === undefined && (error instanceof TypeError || error instanceof RangeError)) throw error;
  const trouble = troubleOf(error);
  const what = saidBy({ name: name === 'Error' ? '' : name, status, message: message.split('\n')[0] ?? '' });
  const absent = absentFault({ of: 'source', place: where, name, because: what, cause: error });
  if (absent) return absent;
  if (trouble === 'refused' || trouble === 'denied') {
    const hint = refusedCredentialsHint('source', process.env);
    return new Fault('credentials-refused', `source ${where} refused us: ${what}`, { cause: error, hint });
  }
  return new Fault('source-unreachable', `source ${where} cannot be reached: ${what}`, {
    cause: error,
    passes: mayPass(told),
  });
}
