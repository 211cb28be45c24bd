import type { MediaKind } from '../domain/media-types.js';
import type { FailureClass, Finding } from '../domain/types.js';
import type { WorkOrder, WorkResult } from './contract.js';

type Refusal = Extract<WorkResult, { ok: false }>;

/** An item that cannot be made, as data. */
export function refuse(code: string, message: string, failure: FailureClass = 'input'): Refusal {
  return { ok: false, finding: { code, severity: 'error', class: failure, message: oneLine(message) } };
}

/**
 * The content is not for this recipe: another kind of media altogether (`wrong-kind`), or of the right kind, or nothing
 * known, and there is no decoder for it (`unsupported-type`).
 */
export function refuseKind({ type, kind, wanted }: { type: string; kind: MediaKind; wanted: MediaKind }): Refusal {
  if (kind === wanted || kind === 'other') return refuse('unsupported-type', `no decoder for ${type} (by content)`);
  return refuse('wrong-kind', `${type} by content, expected ${wanted}`);
}

/** Worth knowing, nothing is missing. */
export function notice(code: string, message: string): Finding {
  return { code, severity: 'notice', message: oneLine(message) };
}

/**
 * What a tool said, without the name of our staged file. The asset's name is not put in its place: it is in the finding
 * already, and whoever reads the reason for known words must not find them in a name.
 */
export function reasonOf(error: unknown, order: WorkOrder): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.replaceAll(order.input.file, 'the file').split('\n');
  return oneLine([...new Set(lines.map((line) => line.trim()))].join('; '));
}

const longest = 300;

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: tools print control characters of hostile files
  const flat = text.replace(/[\s\u0000-\u001f\u007f]+/g, ' ').trim();
  return flat.length > longest ? `${flat.slice(0, longest - 1)}…` : flat;
}
