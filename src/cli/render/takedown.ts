import { urlsOfKeys } from '../../domain/edges.js';
import type { Head } from '../../domain/head.js';
import { assetCommand, withOptions } from '../../domain/shell.js';
import type { Job } from '../../domain/types.js';
import { keysOf } from '../../domain/withdraw.js';
import type { FoundContent } from '../../engine/content.js';
import type { Terminal } from '../terminal.js';
import { count, printable, short } from './units.js';

/** What a takedown would do; with nothing found, it was done before. */
export interface TakedownView {
  readonly job: Pick<Job, 'name' | 'origin' | 'edges'>;
  readonly key: string;
  readonly head: Head;
  readonly found: FoundContent;
}

export function takedownRecord(view: TakedownView): object {
  const { job, key, head, found } = view;
  return {
    type: 'takedown',
    job: job.name,
    asset: key,
    assets: found.contents,
    snapshots: [...found.snapshots].map(([snapshot, entries]) => ({ snapshot, assets: [...entries.keys()] })),
    letGo: [...found.unreadable],
    shared: found.shared,
    urls: urlsOf(view),
    withdrawn: head.withdrawn ?? [],
  };
}

export function renderTakedown(terminal: Terminal, view: TakedownView): void {
  const { job, key, head, found } = view;
  const again = withOptions(assetCommand('withdraw', job.name, key), ['--reason TEXT', '--yes']);
  const names = [...new Set(found.contents.map((one) => one.key))];
  terminal.out(
    `${job.name}  ${names.length > 0 ? `would take down ${count(names.length, 'asset')}` : 'was taken down before'}`,
  );
  for (const one of found.contents)
    terminal.out(`  asset     ${printable(one.key)}  content ${short(one.source)}  ${count(one.blobs.length, 'blob')}`);
  for (const [snapshot, entries] of found.snapshots) {
    const live = snapshot === head.channels.live?.snapshot ? '  (live)' : '';
    terminal.out(`  snapshot  ${short(snapshot)} loses ${count(entries.size, 'asset')}${live}`);
  }
  for (const snapshot of found.unreadable)
    terminal.out(`  snapshot  ${short(snapshot)} cannot be read, so it is let go`);
  for (const { blob, key: other } of found.shared)
    terminal.out(
      `  stays     ${short(blob.sha256)}.${blob.ext}: '${printable(other)}' has other content and the same bytes`,
    );
  for (const url of urlsOf(view)) terminal.out(`  gone      ${printable(url)}`);
  terminal.out(`  next      ${terminal.paint('cyan', again)}`);
}

function urlsOf({ job, head, found }: TakedownView): readonly string[] {
  const keys = found.contents.flatMap(({ blobs, paths = [] }) => [
    ...blobs.flatMap((blob) => keysOf(head, blob)),
    ...paths.map((path) => `live/${path}`),
  ]);
  return readerUrls(job, [...new Set(keys)]);
}

/** Where readers come in, as far as the job says it. */
export function readerBases({ origin, edges = [] }: Pick<Job, 'origin' | 'edges'>): readonly string[] {
  const all = [origin.baseUrl, ...edges.flatMap(({ urls }) => urls)].filter((url) => url !== undefined);
  return [...new Set(all.map((url) => url.replace(/\/+$/, '')))];
}

/** Full ones, where the job says where readers come in; else as the origin has them. */
export function readerUrls(job: Pick<Job, 'origin' | 'edges'>, keys: readonly string[]): readonly string[] {
  const bases = readerBases(job);
  return bases.length === 0 ? keys : urlsOfKeys(bases, keys);
}

/** After a takedown: what still has to be done where nightpress does not reach. */
export function renderCached(terminal: Terminal, job: Pick<Job, 'edges'>, urls: readonly string[]): void {
  if (urls.length === 0) return;
  const beside = 'browsers, and caches that are not among the edges, may still hold these for a year:';
  const alone = 'this job has no edges: purge these by hand wherever they are cached, they may be held for a year:';
  terminal.out(`  caches    ${job.edges?.length ? beside : alone}`);
  for (const url of urls) terminal.out(`  gone      ${printable(url)}`);
  terminal.out('            files of nightpress export edge still name the former snapshot: make them again');
}
