import { signatureOf } from '../../domain/causes.js';
import type { LiveStory, Story } from '../../engine/explain.js';
import type { AttemptRow, HistoryRow } from '../../state/contract.js';
import type { Terminal } from '../terminal.js';
import { bytes, duration, printable, short } from './units.js';

export function storyRecord(job: string, story: Story): object {
  const { key, known, listed, listing, recipes, unmatched, live, snapshots, history, expected, nextTry, withdrawn } =
    story;
  return {
    type: 'asset',
    job,
    key,
    firstSeenAt: known ? instant(known.firstSeenAt) : null,
    remembered: known
      ? { bytes: known.bytes, modifiedAt: instant(known.modifiedAt), sha256: known.sha256 ?? null }
      : null,
    listed: listed
      ? { bytes: listed.bytes, modifiedAt: instant(listed.modifiedAt), problem: listed.problem ?? null }
      : null,
    listing,
    recipes,
    unmatched,
    expected: expected ? { madeAt: instant(expected.madeAt), nightAt: instant(expected.nightAt) } : null,
    nextTry: nextTry ? { label: nextTry.label, opens: instant(nextTry.opens) } : null,
    live: live ?? null,
    withdrawn,
    snapshots,
    runs: history.map(({ run, item, attempts }) => ({
      run: run.id,
      verb: run.verb,
      window: run.window.label,
      startedAt: instant(run.startedAt),
      outcome: run.outcome ?? null,
      log: run.log,
      recipe: item.recipe,
      because: item.because,
      partition: item.partition ?? null,
      state: item.state,
      disposition: item.disposition ?? null,
      sha256: item.sha256 ?? null,
      finding: item.finding ?? null,
      attempts: attempts.map((attempt) => attemptRecord(item.key, attempt)),
    })),
    faults: faultsOf(story).map(({ code, message }) => ({ code, message })),
  };
}

function attemptRecord(key: string, attempt: AttemptRow): object {
  const { number, startedAt, endedAt, outcome, detail, code, class: failure, log } = attempt;
  return {
    number,
    outcome,
    code: code ?? null,
    class: failure ?? null,
    detail: detail ?? null,
    signature: code === undefined ? null : signatureOf({ code, message: detail ?? '', key }),
    log: log ?? null,
    startedAt: instant(startedAt),
    durationMs: endedAt - startedAt,
  };
}

function faultsOf({ sourceFault, originFault, planFault }: Story) {
  return [...new Set([sourceFault, originFault, planFault])].filter((fault) => fault !== undefined);
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

export function renderStory(terminal: Terminal, job: string, story: Story): void {
  const { paint } = terminal;
  terminal.out(
    `${printable(story.key)}  of ${job}  ${story.live ? paint('green', 'live') : paint('yellow', 'not live')}`,
  );
  renderSource(terminal, story);
  for (const fault of faultsOf(story)) terminal.out(`  ${paint('red', 'cause')}     ${printable(fault.message)}`);
  renderRecipes(terminal, story);
  for (const { source, reason, at, erasedAt } of story.withdrawn) {
    const left = erasedAt === undefined ? '; its blobs are still to be deleted' : '';
    terminal.out(`  withdrawn content ${short(source)} at ${at}: ${printable(reason)}${left}`);
  }
  renderExpected(terminal, story);
  renderDerivatives(terminal, story);
  for (const { snapshot, seq, window, standing, pins, sha256, carried, lost } of story.snapshots) {
    const what = lost ? 'its manifest is lost' : sha256 ? `content ${short(sha256)}` : 'not in it';
    const marks = [standing, ...pins.map((pin) => `pinned as ${pin}`), ...carried.map((recipe) => `${recipe} carried`)];
    terminal.out(
      `  snapshot  ${short(snapshot)}  seq ${seq}  window ${printable(window)}  ${what}  (${printable(marks.join(', '))})`,
    );
  }
  renderRuns(terminal, story.history);
}

function renderSource(terminal: Terminal, { known, listed, listing }: Story): void {
  const words: Record<Story['listing'], string> = {
    new: 'not yet taken in by a run here',
    same: 'as it was when it was last read',
    changed: 'changed since it was last read',
    'not trusted': 'too young, or never read here: the next run reads it',
    gone: 'not in the source',
    unreadable: 'cannot be read',
    unknown: 'the source cannot be asked',
  };
  if (known) {
    const content = known.sha256 ? `, content ${short(known.sha256)}` : '';
    terminal.out(`  seen      first ${instant(known.firstSeenAt)}; last ${bytes(known.bytes)}${content}`);
  }
  const now = listed ? `${bytes(listed.bytes)}, modified ${instant(listed.modifiedAt)}: ` : '';
  terminal.out(`  source    ${now}${words[listing]}`);
  if (listed?.problem)
    terminal.out(
      `  ${terminal.paint('red', 'finding')}   ${printable(listed.problem.message)} [${listed.problem.code}]`,
    );
}

function renderRecipes(terminal: Terminal, { recipes, unmatched }: Story): void {
  for (const { recipe, now, because } of recipes) {
    const would = now.startsWith('would') ? now : `would end as ${now}`;
    terminal.out(`  recipe    ${recipe} ${would}: ${printable(because)}`);
  }
  if (unmatched.length > 0) terminal.out(`  no match  ${unmatched.join(', ')}`);
}

function renderExpected(terminal: Terminal, { expected, nextTry }: Story): void {
  if (expected) {
    const { madeAt, nightAt } = expected;
    terminal.out(`  expected  made about ${instant(madeAt)}, live with the whole night about ${instant(nightAt)}`);
  } else if (nextTry) terminal.out(`  expected  with the next run; the next window opens ${nextTry.label}`);
}

function renderDerivatives(terminal: Terminal, { live }: Story): void {
  if (!live) return;
  const { snapshot, seq, at, source } = live;
  const facts = `${printable(source.type)}${pixels(source)}, content ${short(source.sha256)}`;
  terminal.out(`  live      snapshot ${short(snapshot)}  seq ${seq}  since ${at}: ${facts}`);
  for (const { recipe, carried, derivatives } of live.items) {
    if (carried) {
      const newer = carried === 'unread' ? 'the newer could not be read' : `${short(carried)} could not be processed`;
      terminal.out(`  ${terminal.paint('yellow', 'carried')}   ${recipe} shows an older version: ${newer}`);
    }
    for (const derivative of derivatives) renderDerivative(terminal, recipe, derivative);
  }
  if (live.items.some(({ derivatives }) => derivatives.some(({ urls }) => urls?.stable)))
    terminal.out('            (behind what export edge wrote, the first of these has no live/)');
}

type Shown = LiveStory['items'][number]['derivatives'][number];

function renderDerivative(terminal: Terminal, recipe: string, { urls, ...derivative }: Shown): void {
  const length = derivative.duration ? `, ${duration(derivative.duration * 1000)}` : '';
  const facts = `${bytes(derivative.bytes)}${pixels(derivative)}${length}`;
  terminal.out(`  shows     ${printable(derivative.path)}  ${facts}  (${recipe})`);
  for (const url of [urls?.stable, urls?.immutable]) if (url) terminal.out(`            ${url}`);
}

function pixels({ width, height }: { readonly width?: number; readonly height?: number }): string {
  return width ? `, ${width} × ${height}` : '';
}

function renderRuns(terminal: Terminal, history: readonly HistoryRow[]): void {
  let told: string | undefined;
  for (const { run, item, attempts } of history) {
    if (run.id !== told) {
      terminal.out(`  run       ${run.id} (${run.verb}) for window ${run.window.label}: ${run.outcome ?? run.phase}`);
      terminal.out(`            log ${printable(run.log)}`);
    }
    told = run.id;
    terminal.out(`            ${item.recipe}: ${item.disposition ?? item.state}, because ${printable(item.because)}`);
    if (item.finding)
      terminal.out(
        `            ${terminal.paint('red', 'finding')} ${printable(item.finding.message)} [${item.finding.code}]`,
      );
    for (const attempt of attempts) renderAttempt(terminal, attempt);
  }
}

/** `-v` shows what the worker or its tool wrote, too. */
function renderAttempt(terminal: Terminal, { number, startedAt, endedAt, outcome, detail, log }: AttemptRow): void {
  const more = detail === undefined ? '' : `: ${printable(detail)}`;
  terminal.out(`            attempt ${number} ${outcome} after ${duration(endedAt - startedAt)}${more}`);
  if (!terminal.verbose || !log) return;
  for (const line of log.trimEnd().split('\n')) terminal.out(`              ${printable(line)}`);
}
