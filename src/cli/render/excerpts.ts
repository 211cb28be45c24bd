import { readFileSync } from 'node:fs';
import type { Terminal } from '../terminal.js';
import { printable } from './units.js';

/** What workers and tools wrote when attempts failed, from the log of a run. */
export function renderExcerpts(terminal: Terminal, logFile: string): void {
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    if (!line.includes('"attempt-failed"')) continue;
    const { key = '', recipe = '', how = '', log } = JSON.parse(line) as Partial<Record<string, string>>;
    if (!log) continue;
    terminal.out(`  wrote     ${printable(key)} (${printable(recipe)}), ${printable(how)}:`);
    for (const text of log.trimEnd().split('\n')) terminal.out(`            ${printable(text)}`);
  }
}
