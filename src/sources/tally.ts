import type { Finding } from '../domain/types.js';

/** Of one code; a file of a hundred thousand broken lines must not become as many findings. */
const mostOfACode = 50;

/** Collects what a scan objects to: the first of each code, and how many more there were. */
export class Tally {
  readonly #findings: Finding[] = [];
  readonly #counts = new Map<string, number>();

  add(finding: Finding): void {
    const seen = (this.#counts.get(finding.code) ?? 0) + 1;
    this.#counts.set(finding.code, seen);
    if (seen <= mostOfACode) this.#findings.push(finding);
  }

  count(code: string): number {
    return this.#counts.get(code) ?? 0;
  }

  all(): readonly Finding[] {
    const more = [...this.#counts].filter(([, seen]) => seen > mostOfACode);
    return [...this.#findings, ...more.map(([code, seen]) => this.#rest(code, seen))];
  }

  #rest(code: string, seen: number): Finding {
    const first = this.#findings.find((finding) => finding.code === code);
    return {
      code,
      severity: first?.severity ?? 'notice',
      class: first?.class,
      message: `and ${seen - mostOfACode} more like these`,
    };
  }
}
