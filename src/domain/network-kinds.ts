/**
 * File systems that are, or may be, on another machine: kernel locks, on which the single writer rests, do not reach
 * from one machine to the next. Numbers: include/uapi/linux/magic.h. macOS numbers file systems as they are loaded:
 * there the kind cannot be told this way, and none is found.
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

/** The name of a network file system by its statfs(2) `type`, signed or not; `mount` is asked only about FUSE. */
export function networkKind(type: number, mount: () => string | undefined): string | undefined {
  if (type >>> 0 !== fuse) return networkKinds.get(type >>> 0);
  const name = mount();
  return name && networkFuse.test(name) ? name : undefined;
}

/** The kind of the mount with this `st_dev`, from proc_pid_mountinfo(5): `36 35 98:0 … - ext4 /dev/root rw`. */
export function mountKind(mountinfo: string, dev: number): string | undefined {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const line = mountinfo.split('\n').find((text) => text.split(' ')[2] === `${major}:${minor}`);
  return line?.split(' - ')[1]?.split(' ')[0];
}
