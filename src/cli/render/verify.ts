import type { Job } from '../../domain/types.js';
import type { Repair, Verification } from '../../engine/verify.js';
import type { Terminal } from '../terminal.js';
import { bytes, count, printable, short } from './units.js';

/** What `verify` did about what it found. */
export type Remedy =
  | { readonly kind: 'nothing' }
  | ({ readonly kind: 'repaired' } & Repair)
  | { readonly kind: 'not-live' }
  | { readonly kind: 'no-state' }
  | { readonly kind: 'locked'; readonly why: string };

export interface VerifyView {
  readonly job: string;
  readonly deep: boolean;
  readonly isLive: boolean;
  readonly found: Verification;
  readonly remedy: Remedy;
  readonly next: readonly string[];
}

const mostFindings = 20;

export function verifyRecord(view: VerifyView): object {
  const { snapshot, assets, blobs, bytes: weight, findings } = view.found;
  return {
    type: 'verify',
    job: view.job,
    snapshot,
    live: view.isLive,
    deep: view.deep,
    assets,
    blobs,
    bytes: weight,
    findings,
    remedy: view.remedy,
    next: view.next,
  };
}

export function renderVerify(terminal: Terminal, view: VerifyView): void {
  const { job, found, deep } = view;
  const { assets, blobs, bytes: weight, findings } = found;
  const [first] = findings;
  const verdict = first
    ? terminal.paint('red', count(findings.length, 'problem'))
    : terminal.paint('green', 'all is well');
  terminal.out(`${job}  snapshot ${short(found.snapshot)}  ${verdict}`);
  const how = deep ? 'every byte read' : 'existence and size; --deep reads every byte';
  terminal.out(`  looked at ${count(assets, 'asset')}, ${count(blobs, 'blob')}, ${bytes(weight)} (${how})`);
  const shown = terminal.verbose ? findings : findings.slice(0, mostFindings);
  for (const { key, message, code } of shown) {
    terminal.out(
      `  ${terminal.paint('red', 'finding')}   ${key === undefined ? '' : `${printable(key)}: `}${printable(message)} [${code}]`,
    );
  }
  if (findings.length > shown.length)
    terminal.out(`            and ${count(findings.length - shown.length, 'more finding')}; -v shows all`);
  for (const line of remedyLines(view)) terminal.out(`  done      ${line}`);
  for (const command of view.next) terminal.out(`  next      ${terminal.paint('cyan', command)}`);
}

function remedyLines({ remedy }: VerifyView): readonly string[] {
  switch (remedy.kind) {
    case 'nothing':
      return [];
    case 'repaired':
      return [
        ...(remedy.condemned.length > 0
          ? [`blobs of ${count(remedy.condemned.length, 'asset')} taken out of use`]
          : []),
        ...(remedy.mended > 0 ? [`${count(remedy.mended, 'public path')} put right`] : []),
        ...remedy.entrances.map((name) => `'${name}' leads to what is live again`),
        ...(remedy.treeMade ? ['the tree was made again'] : []),
      ];
    case 'not-live':
      return ['nothing: only blobs of the live snapshot are made again'];
    case 'no-state':
      return ["nothing: the job's state is not on this machine; verify where it runs"];
    case 'locked':
      return [`nothing: ${printable(remedy.why)}`];
  }
}

export function nextCommands(
  { name: job, channel }: Pick<Job, 'name' | 'channel'>,
  { isLive, found, remedy }: Pick<VerifyView, 'isLive' | 'found' | 'remedy'>,
): readonly string[] {
  if (found.damaged !== undefined) {
    const goOn = remedy.kind === 'not-live' ? [] : [`nightpress run ${job} --adopt`];
    if (isLive && channel !== undefined) return goOn; // a rollback is about what is live
    return [...goOn, isLive ? `nightpress rollback ${job}` : `nightpress snapshots ${job}`];
  }
  if (remedy.kind === 'repaired') return remedy.condemned.length > 0 ? [`nightpress run ${job} --now`] : [];
  if (remedy.kind === 'locked') return [`nightpress status ${job} --watch`];
  return remedy.kind === 'not-live' ? [`nightpress snapshots ${job}`] : [];
}
