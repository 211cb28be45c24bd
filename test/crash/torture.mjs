#!/usr/bin/env node
/**
 * `npm run torture -- --kills 200 [--seed N] [--json]`: kills at random moments (`torture.ts`).
 * `npm run torture -- --matrix [--points a,b] [--faults a,b] [--write]`: every fault at every point (`matrix.ts`).
 * `npm run torture -- --rot [--flips N] [--seed N]`: states cut off and with flipped bits (`rot.ts`).
 * `npm run torture -- --requests [--scenario NAME] [--all] [--write]`: commands killed at each of their requests (`requests.ts`).
 * All run without a build of their own.
 */
import { createJiti } from 'jiti';

const argv = process.argv.slice(2);
const jiti = createJiti(import.meta.url);

async function program() {
  if (argv.includes('--matrix')) return (await jiti.import('./matrix.ts')).matrix;
  if (argv.includes('--rot')) return (await jiti.import('./rot-main.ts')).rot;
  if (argv.includes('--requests')) return (await jiti.import('./requests.ts')).requests;
  return (await jiti.import('./torture.ts')).torture;
}

const main = await program();
process.exitCode = await main(argv);
