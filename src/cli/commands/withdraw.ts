import type { Command } from 'commander';
import { notServedExit } from '../../domain/edges.js';
import { Fault } from '../../domain/faults.js';
import type { Head, Withdrawal } from '../../domain/head.js';
import { assetCommand, withOptions } from '../../domain/shell.js';
import type { AssetKey } from '../../domain/types.js';
import { emptiedKeys } from '../../domain/withdraw.js';
import { findContent } from '../../engine/content.js';
import { keptAsset } from '../../engine/kept-asset.js';
import { lift, mustBeWithdrawn, withdraw } from '../../engine/withdraw.js';
import { readyEdges } from '../after-move.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, type WaitOptions, withJobOptions, withWaitOption } from '../options.js';
import { type Moved, movedRecord, renderMoved } from '../render/moved.js';
import { readerBases, readerUrls, renderCached, renderTakedown, takedownRecord } from '../render/takedown.js';
import { printable } from '../render/units.js';

interface WithdrawOptions extends JobOptions, WaitOptions {
  readonly reason?: string;
  readonly lift?: boolean;
  readonly yes?: boolean;
}

export function addWithdraw(program: Command, context: CommandContext): void {
  withWaitOption(withJobOptions(program.command('withdraw')))
    .argument('[asset...]', 'the job (not needed in a project of one), then the asset: key, public path or URL')
    .usage('[options] [job] <asset>')
    .summary('take an asset down at once and keep its content from coming back')
    .description(
      `Takes the content of an asset out of every snapshot that is kept, in one commit, deletes its blobs at once and tells the
edges of every URL that is gone. No run, rollback, publish or promote brings this content back, under whatever name; other
content under the same name is published as ever. Without --yes it only says what it would do.`,
    )
    .option('--reason <text>', 'why, in your words; kept in the head, which readers can see')
    .option('--lift', 'let the content be published again, by the next run')
    .option('--yes', 'do it')
    .addHelpText(
      'after',
      `
Bucket versions, backups, and caches that are not among the job's edges keep what they have: afterwards, too, it lists every
URL that is gone (--json: urls). Who was interrupted says the same again.

Examples:
  nightpress withdraw catalog photos/hero.jpg
  nightpress withdraw catalog https://cdn.example.com/catalog/live/photos/hero.jpg/640w.webp
  nightpress withdraw catalog photos/hero.jpg --reason 'licence ended' --yes
  nightpress withdraw catalog photos/hero.jpg --lift --reason 'licence renewed' --yes

Exit codes: 0, 2 no snapshot shows such an asset or --reason is missing, 6 say it again, 13 the live manifest is damaged,
75 and 77 say why its blobs are still there, 7 taken down, but an edge was not told or did not serve it while --wait looked.`,
    )
    .action(async (given: readonly string[], options: WithdrawOptions) => {
      await atOrigin(context, options, { given, needed: ['asset'] }, async (call) => {
        const [text = ''] = call.words;
        const key = await keptAsset(call, await headOf(call), { text, bases: readerBases(call.job) });
        if (options.lift) return await liftNow(call, key, options);
        return options.yes ? await withdrawNow(call, key, options) : await preview(call, key, options);
      });
    });
}

async function preview(call: OriginCall, key: AssetKey, { json }: WithdrawOptions): Promise<number> {
  const { job, terminal, origin } = call;
  const head = await headOf(call);
  const found = await findContent(origin, head, key);
  if (found.contents.length === 0) mustBeWithdrawn(head, key);
  const view = { job, key, head, found };
  if (json) terminal.out(JSON.stringify(takedownRecord(view)));
  else renderTakedown(terminal, view);
  return 0;
}

async function withdrawNow(call: OriginCall, key: AssetKey, options: WithdrawOptions): Promise<number> {
  const reason = reasonOf(options);
  const afterMove = await readyEdges(call, options);
  const { head, contents, unerased } = await withdraw(call, { key, reason });
  const own = (head.withdrawn ?? []).filter((one) => one.key === key);
  const since = Math.min(...own.map(({ seq }) => seq)) - 1;
  const { edges, exit } = await afterMove(head, since);
  if (unerased) throw stillThere(unerased, head.seq, key);
  const names = [...new Set(contents.map((one) => `'${one.key}'`))].join(', ');
  const done = names ? `withdrawn: ${names}` : `'${key}' was withdrawn before, and nothing of it is left`;
  const urls = readerUrls(call.job, emptiedKeys({ ...head, withdrawn: sameTime(head, own) }, undefined));
  const facts = { reason, withdrawn: own, gone: emptiedKeys(head, since), urls };
  say(call, options, { verb: 'withdraw', done, head, edges, facts });
  if (!options.json) renderCached(call.terminal, call.job, urls);
  // Not only with --wait: who takes something down must know where it may still be had.
  return exit === 0 && edges.some(({ told }) => !told) ? notServedExit : exit;
}

/** The same content under other keys went in the same commits. */
function sameTime({ withdrawn = [] }: Head, own: readonly Withdrawal[]): readonly Withdrawal[] {
  return withdrawn.filter(({ seq }) => own.some((one) => one.seq === seq));
}

function stillThere(cause: Fault, seq: number, key: AssetKey): Fault {
  const message = `'${key}' is taken down at seq ${seq}, but its blobs are not deleted yet: ${cause.message}`;
  const hint = withOptions(assetCommand('withdraw', '{job}', key), ['--reason TEXT', '--yes']);
  return new Fault(cause.code, message, { cause, hint });
}

async function liftNow(call: OriginCall, key: AssetKey, options: WithdrawOptions): Promise<number> {
  const { job, terminal } = call;
  if (!options.yes) {
    mustBeWithdrawn(await headOf(call), key);
    const again = withOptions(assetCommand('withdraw', job.name, key), ['--lift', '--reason TEXT', '--yes']);
    terminal.out(`${job.name}  would let '${printable(key)}' be published again`);
    terminal.out(`  next      ${terminal.paint('cyan', again)}`);
    return 0;
  }
  const reason = reasonOf(options);
  const head = await lift(call, { key, reason });
  const facts = { reason, withdrawn: head.withdrawn ?? [] };
  say(call, options, { verb: 'lift', done: `'${key}' may be published again`, head, facts });
  return 0;
}

function say({ job, terminal }: OriginCall, { json }: WithdrawOptions, moved: Moved): void {
  if (json) terminal.out(JSON.stringify(movedRecord(job.name, moved)));
  else renderMoved(terminal, job.name, moved);
}

function reasonOf({ reason }: WithdrawOptions): string {
  const given = reason?.trim();
  if (given) return given;
  throw new Fault('usage', '--reason is missing: expected why, in your words', { hint: 'nightpress withdraw --help' });
}
