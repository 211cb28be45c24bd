import {
  absentFault,
  credentialsMissing,
  credentialsRefused,
  refusedCredentialsHint,
  saidBy,
  unsent,
} from '../../domain/bucket-trouble.js';
import { errno, Fault } from '../../domain/faults.js';

/** What an answer or a broken connection says, as far as it says anything. */
export interface Trouble {
  /** Of the answer; undefined: there was none. */
  readonly status?: number;
  /** S3's own name for it, or the system's, or that of the credentials that were looked for. */
  readonly name: string;
}

interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Undefined for anything that neither the store nor the way to it said: a bug of ours. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof Error) || error instanceof Fault) return undefined;
  const status = (error as SdkError).$metadata?.httpStatusCode;
  const name = errno(error) ?? error.name;
  if (ofFiles.has(name)) return undefined;
  const isOfTheWay = status !== undefined || errno(error) !== undefined || ofTheWay.has(error.name);
  return isOfTheWay ? { status, name } : undefined;
}

/** Said of the file that is to be stored. */
const ofFiles = new Set(['EBADHASH', 'EIO', 'EISDIR', 'ELOOP', 'ENOENT', 'EACCES']);

const ofTheWay = new Set(['TimeoutError', 'AbortError', 'EndpointError', ...credentialsMissing]);

/** Ceph, MinIO and others; AWS has no such limit. */
const fullNames = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'StorageQuotaExceeded']);

/** The store answered that it did not and will not do what was asked, or was never asked. */
export function isRefusal({ status, name }: Trouble): boolean {
  if (status !== undefined) return status >= 400 && status < 500;
  return saysDenied(name) || unsent.has(name);
}

/** A condition did not hold: somebody was faster, or the object that it speaks of is gone. */
export function isConflict({ status, name }: Trouble): boolean {
  return status === 409 || status === 412 || (status === 404 && name !== 'NoSuchBucket');
}

/** About who asks, not about what is asked. */
export function isDenied({ status, name }: Trouble): boolean {
  return saysDenied(name) || status === 401 || status === 403;
}

function saysDenied(name: string): boolean {
  return credentialsRefused.has(name) || name === 'AccessDenied';
}

/** Asked again later, the answer may be another. */
export function mayPass({ status = 0, name }: Trouble): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501) || name === 'RequestTimeout';
}

/** A store may have no such call, or none with these conditions. */
export function isNotImplemented({ status, name }: Trouble): boolean {
  return status === 501 || name === 'NotImplemented';
}

/** A missing bucket is no missing object. */
function isAbsent(error: unknown): boolean {
  const trouble = troubleOf(error);
  return trouble?.status === 404 && trouble.name !== 'NoSuchBucket';
}

/** The result of `work`, or undefined where the object it asks for is not there. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Runs `work` on the store at `place`; what is said against it becomes a fault that names the place. */
export async function atStore<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw faultOf(place, error);
  }
}

function faultOf(place: string, error: unknown): unknown {
  const trouble = troubleOf(error);
  if (!trouble || !(error instanceof Error)) return error;
  const because = saidBy({ ...trouble, message: error.message });
  if (fullNames.has(trouble.name) || trouble.status === 507) {
    return new Fault('origin-full', `origin ${place} has no space left (${because})`, { cause: error });
  }
  const absent = absentFault({ of: 'origin', place, name: trouble.name, because, cause: error });
  if (absent) return absent;
  if (isDenied(trouble)) {
    const hint = refusedCredentialsHint('origin', process.env);
    return new Fault('credentials-refused', `origin ${place} does not let us in (${because})`, { cause: error, hint });
  }
  const passes = trouble.status === undefined ? trouble.name !== 'EndpointError' : mayPass(trouble);
  return new Fault('origin-unreachable', `origin ${place} cannot be used (${because})`, { cause: error, passes });
}
