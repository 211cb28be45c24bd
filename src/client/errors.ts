/** What can go wrong for a reader. A closed list: a page may decide by `code`, messages are for people. */
export type ReadErrorCode =
  /** No answer, or one that is neither the bytes nor "not there". Worth trying again. */
  | 'unreachable'
  /** No whole answer within the time allowed. Worth trying again. */
  | 'timeout'
  /** The origin says that it has no such object. */
  | 'missing'
  /** Other bytes than their name says, or a shape that nothing of nightpress writes. */
  | 'corrupt'
  /** More bytes than a reader takes, or than the manifest says. */
  | 'too-large'
  /** A head older than one seen before: somebody serves the past. */
  | 'rewound'
  /** Another origin's head than the one seen before. */
  | 'foreign'
  /** A head of a format that this client does not know. */
  | 'newer-format'
  /** Nothing is live yet. */
  | 'unpublished'
  /** The head does not hold the snapshot that was asked for. */
  | 'snapshot-unknown'
  /** The snapshot has no such asset. */
  | 'asset-unknown'
  /** The asset has no derivative of the kind asked for. */
  | 'no-rendition'
  /** No WebCrypto: a page without https (localhost excepted) cannot check what it reads. */
  | 'no-crypto';

export class ReadError extends Error {
  readonly code: ReadErrorCode;

  constructor(code: ReadErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ReadError';
    this.code = code;
  }
}
