import type { Digest } from './types.js';

/** An upload in parts that was begun and is not known to have ended. */
export interface OpenUpload {
  /** As the origin named it. */
  readonly upload: string;
  /** Which origin, in the words of `OriginCheck.place`: a job may have moved meanwhile. */
  readonly place: string;
  readonly key: string;
  readonly parts: readonly UploadedPart[];
}

export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly sha256: Digest;
}

/** Remembers uploads in parts; what a method wrote survives a power cut when it returns. */
export interface UploadMemory {
  all(): readonly OpenUpload[];
  record(upload: Omit<OpenUpload, 'parts'>): void;
  /** The newest part of a number counts. */
  recordPart(upload: string, part: UploadedPart): void;
  forget(upload: string): void;
}
