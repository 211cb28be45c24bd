/**
 * What the coordinator of a night does with finished outputs, and nothing else: puts every file of a folder at an origin
 * as a blob, through the pool of the engine and with uploads remembered in a state, then asks whether all are there. Names
 * are given, as workers give them: `[{ file, sha256, ext, bytes, … }]`.
 */
import { readFileSync } from 'node:fs';
import { notHeld, putPool, storeOutputs } from '../../dist/engine/store.js';
import { origins } from '../../dist/origins/index.js';
import { holdLock } from '../../dist/state/lock.js';
import { openState } from '../../dist/state/open.js';

const { config, outbox, names, folder } = JSON.parse(process.argv[2]);
const outputs = JSON.parse(readFileSync(names, 'utf8'));
const state = openState(folder);
const origin = (await origins[config.type]()).open(config, { holdLock, uploads: state.uploads });
await origin.readHead();
await storeOutputs({ origin, outbox, puts: putPool(origin, 2), emit: () => undefined }, outputs);
const missing = await notHeld(origin, outputs, (output) => [output]);
state.close();
if (missing.length > 0) throw new Error(`${missing.length} of ${outputs.length} blobs are not at the origin`);
process.exit(); // as the command line does: idle connections keep nothing alive
