import { readFileSync, statfsSync, statSync } from 'node:fs';
import { Fault } from '../domain/faults.js';
import { mountKind, networkKind } from '../domain/network-kinds.js';
import { orFault } from './storage-fault.js';

/**
 * WAL needs memory shared by every process that has the file open, and the run's lock needs locks that the kernel
 * drops: a network file system promises neither. Throws `state-network`.
 */
export function refuseNetwork(folder: string, kindOf: (folder: string) => string | undefined = kindOnLinux): void {
  const kind = kindOf(folder);
  if (kind) throw new Fault('state-network', `${folder} lies on ${kind}: expected a local file system`);
}

function kindOnLinux(folder: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const mount = () => mountKind(readFileSync('/proc/self/mountinfo', 'utf8'), statSync(folder).dev);
  return orFault(folder, () => networkKind(statfsSync(folder).type, mount));
}
