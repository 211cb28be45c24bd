import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Finding } from '../domain/types.js';
import type { WorkOrder, WorkResult } from './contract.js';
import type { ToolEnd } from './ffmpeg-run.js';
import { notice, reasonOf, refuse } from './refuse.js';

/**
 * What counts as decoded.
 *
 * ffmpeg's exit code proves nothing: files with hundreds of decoder errors end with 0, and so does half a file. Refusing
 * at the first error (`-xerror`) would refuse real cameras, whose files play everywhere. So:
 *
 *   - what ffmpeg itself gives up on (exit code, signal, stall), or what yields not one frame or sample, is refused;
 *   - what it decodes is published; errors on the way and a sound end before the declared one become notices;
 *   - a declared duration decides nothing: 100 kB may claim 39 hours. Outputs are compared with what was decoded.
 *
 * Rejected: a share of errors beyond which a file is refused. ffmpeg has one already (two thirds of the packets, exit
 * code 69), and any of ours would be a number without a reason.
 */

type Refusal = Extract<WorkResult, { ok: false }>;

/** Why a call made nothing that can be used; undefined when it ended well. Throws when the disk is at fault. */
export async function failureOf(end: ToolEnd, order: WorkOrder): Promise<Refusal | undefined> {
  if (diskTrouble.test(end.stderr)) await proveStorage(order.outbox);
  if (!end.stalled && end.exitCode === 0) return undefined;
  return { ...refusalOf(end, order), log: cleanLog(end, order).slice(-4096) };
}

function refusalOf(end: ToolEnd, order: WorkOrder): Refusal {
  if (end.stalled) return refuse('stalled', 'ffmpeg made no headway and was stopped', 'resource');
  if (end.exitSignal === 'SIGKILL' || end.exitSignal === 'SIGTERM') {
    return refuse('tool-killed', `ffmpeg was ended from outside by ${end.exitSignal}`, 'resource');
  }
  if (end.exitSignal) return refuse('decode-failed', `ffmpeg crashed with ${end.exitSignal}`);
  const failure = diskTrouble.test(end.stderr) ? 'transient' : 'input';
  return refuse('decode-failed', tellingLine(end, order) ?? `ffmpeg ended with exit code ${end.exitCode}`, failure);
}

const diskTrouble = /No space left on device|Disk quota exceeded|Read-only file system/;

/**
 * A hostile file may make ffmpeg say "no space left", and a full disk stops the whole night: so the disk is asked
 * itself. The system error of a refused write is the storage failure that the contract speaks of. A disk that has room
 * (again) makes it a failure worth another try.
 */
async function proveStorage(outbox: string): Promise<void> {
  const file = path.join(outbox, 'room');
  try {
    await writeFile(file, Buffer.alloc(1 << 20), { flush: true });
  } finally {
    await rm(file, { force: true });
  }
}

/** What is worth knowing of a source that was decoded: errors on the way, an end before the declared one. */
export function noticesOf(
  end: ToolEnd,
  length: { readonly seconds: number | undefined; readonly declared: number | undefined },
  order: WorkOrder,
): readonly Finding[] {
  const { seconds = 0, declared = 0 } = length;
  const notices: Finding[] = [];
  const line = tellingLine(end, order);
  if (line !== undefined) {
    notices.push(notice('degraded-source', `${end.stderrLines} lines of decoder errors, first: ${line}`));
  }
  if (declared - seconds > 1 && seconds < declared * 0.9) {
    const problem = `${seconds.toFixed(1)} s could be decoded, the file declares ${declared.toFixed(1)} s`;
    notices.push(notice('shorter-than-declared', problem));
  }
  return notices;
}

/** The first line ffmpeg printed: later ones tell of consequences. */
function tellingLine(end: ToolEnd, order: WorkOrder): string | undefined {
  const line = cleanLog(end, order)
    .split('\n')
    .find((text) => text.trim() !== '');
  return line === undefined ? undefined : reasonOf(line, order);
}

/** Without addresses, which differ from run to run, and with the asset's name for our staged one. */
function cleanLog(end: ToolEnd, order: WorkOrder): string {
  return end.stderr
    .replace(/ @ 0x[0-9a-f]+\]/g, ']')
    .replaceAll(`file:${order.input.file}`, order.input.key)
    .replaceAll(order.outbox, 'outbox')
    .replaceAll('file:outbox', 'outbox');
}
