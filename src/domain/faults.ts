/**
 * The one error class and the one catalogue. `cli/main.ts` alone turns a fault into text and an exit code;
 * anything else that reaches it is a bug of ours.
 *
 * Exit codes are the table of README.md. A hint says what to do next; `{job}` is replaced by the job's name.
 */
interface FaultKind {
  readonly exit: number;
  readonly hint: string;
  /** When the hint does not help. */
  readonly otherwise?: string;
}

export const faultKinds = {
  usage: { exit: 2, hint: 'nightpress --help' },
  'job-invalid': { exit: 2, hint: 'mend the job file, then: nightpress plan {job}' },
  'job-missing': { exit: 2, hint: 'nightpress init FOLDER writes a first job' },
  'run-failed': { exit: 1, hint: 'nightpress run {job}' },
  'executor-failed': { exit: 1, hint: 'nightpress doctor {job}' },
  'run-locked': { exit: 11, hint: 'nightpress status {job}' },
  'state-corrupt': { exit: 12, hint: 'nightpress doctor {job} --rebuild' },
  'state-newer': { exit: 12, hint: 'run the newer nightpress that wrote this state' },
  'state-unwritable': { exit: 12, hint: 'free space or mend permissions, then: nightpress run {job}' },
  'state-network': { exit: 12, hint: 'choose a local folder with --state DIR' },
  'tool-missing': { exit: 69, hint: 'nightpress doctor {job}' },
  'source-unreachable': { exit: 75, hint: 'mount or mend the source, then: nightpress run {job}' },
  'origin-unreachable': { exit: 75, hint: 'mend the origin, then: nightpress run {job}' },
  'origin-full': { exit: 75, hint: 'free space at the origin, then: nightpress run {job}' },
  'origin-busy': { exit: 75, hint: 'nightpress run {job}' },
  'origin-corrupt': { exit: 13, hint: 'nightpress verify {job}' },
  'origin-foreign': { exit: 1, hint: 'check origin.path; if this is meant: nightpress run {job} --adopt' },
  'origin-rewound': {
    exit: 13,
    hint: 'mount or restore the origin, then: nightpress run {job}',
    otherwise: 'if it is really lost: nightpress run {job} --adopt',
  },
  'origin-unfit': { exit: 13, hint: 'nightpress doctor {job} --origin' },
  'swap-lost': { exit: 75, hint: 'nightpress run {job}' },
  'swap-unknown': {
    exit: 6,
    hint: 'nightpress run {job} (settles it; without a run: nightpress publish {job} --resolve)',
  },
  'edge-unreachable': { exit: 75, hint: 'nightpress run {job} --wait' },
  'edge-refused': { exit: 75, hint: 'mend edges in the job file, then: nightpress run {job} --wait' },
  'credentials-refused': { exit: 77, hint: 'check the credentials of the origin' },
  'snapshot-unknown': { exit: 2, hint: 'nightpress snapshots {job}' },
  'promotion-held': { exit: 4, hint: 'nightpress promote --help' },
  'edge-too-small': { exit: 2, hint: 'nightpress export edge --help' },
  'asset-unknown': { exit: 2, hint: 'nightpress explain --help' },
} as const satisfies Record<string, FaultKind>;

export type FaultCode = keyof typeof faultKinds;

interface FaultOptions {
  readonly cause?: unknown;
  readonly hint?: string;
  readonly otherwise?: string;
  readonly problems?: readonly string[];
  readonly passes?: boolean;
}

/** What + which value + where + what was expected; one line, lower case; `cause` always kept. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly exit: number;
  readonly hint: string;
  /** The hint, and what there is when it does not help. */
  readonly waysOut: readonly string[];
  /** Every problem, when several were found at once (job files). */
  readonly problems: readonly string[];
  /** Nobody has to mend anything: asked again later, the answer may be another. */
  readonly passes: boolean;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'Fault';
    const kind: FaultKind = faultKinds[code];
    this.code = code;
    this.exit = kind.exit;
    this.hint = options.hint ?? kind.hint;
    const otherwise = options.otherwise ?? (options.hint === undefined ? kind.otherwise : undefined);
    this.waysOut = otherwise === undefined ? [this.hint] : [this.hint, otherwise];
    this.problems = options.problems ?? [];
    this.passes = options.passes ?? false;
  }
}

/** The system error code of anything thrown by `fs` or `child_process`: `ENOENT`, `ENOSPC`, … */
export function errno(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The storage itself refuses: no item's failure, the night stops at once. */
export function isStorageFailure(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes(errno(error) ?? '');
}
