import { groupCode } from './groups.js';
import type { FailureClass, Finding } from './types.js';

/** Findings that say the same of different assets. */
export interface Cause {
  readonly code: string;
  readonly class?: FailureClass;
  /** What the findings have in common: `code: message`, without names, numbers and digests. */
  readonly signature: string;
  readonly count: number;
  /** One of them, whole. */
  readonly sample: Finding;
}

/** Of an asset below what could not be listed. */
export const hiddenCode = 'not-listed';

/** Findings that are there because of another one, which is what has to be mended. */
const consequences: readonly string[] = [hiddenCode, groupCode];

/** By signature: what other findings follow from, then the most frequent first; equal ones in the order they came. */
export function causesOf(findings: readonly Finding[]): readonly Cause[] {
  const causes = new Map<string, Cause>();
  for (const finding of findings) {
    const signature = signatureOf(finding);
    const { sample, count } = causes.get(signature) ?? { sample: finding, count: 0 };
    causes.set(signature, { code: sample.code, class: sample.class, signature, count: count + 1, sample });
  }
  return [...causes.values()].sort((a, b) => followsAnother(a) - followsAnother(b) || b.count - a.count);
}

function followsAnother({ code }: Cause): number {
  return consequences.includes(code) ? 1 : 0;
}

/** What came of other files, or of the moment. */
const ofCompany: readonly string[] = [...consequences, 'replaced-meanwhile', 'vanished', 'changed-while-read'];

/** Whether it can be expected to show again when the asset is worked by itself. */
export function showsAlone({ key, recipe, code }: Finding): boolean {
  return key !== undefined && recipe !== undefined && !ofCompany.includes(code);
}

/** Longer than any message of ours, shorter than a tool's outburst. */
const longestSignature = 200;

/** What is particular to one asset or one moment is left out: names, paths, digests, addresses, numbers. */
export function signatureOf({ code, message, key }: Pick<Finding, 'code' | 'message' | 'key'>): string {
  const plain = key ? message.replaceAll(key, '…') : message;
  const alike = plain
    .replace(/'[^']*'|"[^"]*"/g, '…')
    .replace(/(?<![\w.])(?:\.{0,2}\/)[^\s:,;)]+/g, '…')
    .replace(/\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b/gi, '#')
    .replace(/\d+(?:[.,]\d+)*/g, '#');
  return `${code}: ${alike}`.slice(0, longestSignature);
}
