import { readFileSync, statfsSync, statSync } from 'node:fs';
import { Fault } from '../domain/faults.js';
import { storageFault } from './storage-fault.js';

/**
 * WAL needs memory shared by every process that has the file open, and the run's lock needs locks that the kernel
 * drops: a network file system promises neither. Numbers: include/uapi/linux/magic.h. Elsewhere (macOS numbers file
 * systems as they are loaded) the kind cannot be told this way, and nothing is refused.
 */
const networkKinds: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB2'],
  [0xff534d42, 'CIFS'],
  [0x564c, 'NCP'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x00c36400, 'Ceph'],
]);

/** One number for all of FUSE; most of them are local (encryption, NTFS), so the mount's own name decides. */
const fuse = 0x65735546;
const networkFuse = /^fuse\.(sshfs|s3fs|rclone|gcsfuse|goofys|glusterfs|davfs|ceph|ceph-fuse|juicefs|mountpoint-s3)$/;

/** Throws `state-network`. */
export function refuseNetwork(folder: string, kind: (folder: string) => string | undefined = networkKindOf): void {
  const found = kind(folder);
  if (found) throw new Fault('state-network', `${folder} lies on ${found}: expected a local file system`);
}

function networkKindOf(folder: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return networkKind(statfsSync(folder).type, () => mountKind(statSync(folder).dev));
  } catch (error) {
    throw storageFault(error, folder);
  }
}

/** `type` as statfs gives it, signed or not. */
export function networkKind(type: number, mount: () => string | undefined): string | undefined {
  if (type >>> 0 !== fuse) return networkKinds.get(type >>> 0);
  const name = mount();
  return name && networkFuse.test(name) ? name : undefined;
}

/** The kind of the mount with this device number, from proc_pid_mountinfo(5): `36 35 98:0 … - ext4 /dev/root rw`. */
function mountKind(dev: number): string | undefined {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const line = lines.find((text) => text.split(' ')[2] === `${major}:${minor}`);
  return line?.split(' - ')[1]?.split(' ')[0];
}
