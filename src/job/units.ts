import type { Allowance } from '../domain/types.js';

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `'90m'`, `'4h'`, `'30d'` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : unitMs[unit];
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** A whole number of things, or `'1%'` of them; undefined for anything else. */
export function parseAllowance(value: unknown): Allowance | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? { count: value } : undefined;
  if (typeof value !== 'string') return undefined;
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(value) ?? [];
  return percent !== undefined && Number(percent) <= 100 ? { share: Number(percent) / 100 } : undefined;
}
