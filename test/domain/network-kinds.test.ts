import { describe, expect, test } from 'vitest';
import { mountKind, networkKind } from '../../src/domain/network-kinds.js';

const unasked = () => {
  throw new Error('only FUSE needs the name of the mount');
};

describe('a file system', () => {
  test.each([
    ['NFS', 0x6969],
    ['SMB2', 0xfe534d42],
    ['SMB2', 0xfe534d42 | 0],
    ['Ceph', 0x00c36400],
  ])('of kind %s is on the network (%i)', (name, type) => {
    expect(networkKind(type, unasked)).toBe(name);
  });

  test.each([
    ['ext4', 0xef53],
    ['tmpfs', 0x01021994],
    ['btrfs', 0x9123683e],
    ['overlay', 0x794c7630],
  ])('of kind %s is local', (_name, type) => {
    expect(networkKind(type, unasked)).toBeUndefined();
  });

  test('of kind FUSE is what its mount is called', () => {
    expect(networkKind(0x65735546, () => 'fuse.sshfs')).toBe('fuse.sshfs');
    expect(networkKind(0x65735546, () => 'fuse.gocryptfs')).toBeUndefined();
    expect(networkKind(0x65735546, () => undefined)).toBeUndefined();
  });
});

test('the kind of a mount is found by its device number, beyond 8 bits too', () => {
  const mountinfo = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '36 22 0:52 / /mnt/far rw - fuse.sshfs me@host:/ rw',
    '37 22 0:300 / /mnt/b rw master:3 - nfs4 host:/b rw',
  ].join('\n');
  expect(mountKind(mountinfo, 52)).toBe('fuse.sshfs');
  expect(mountKind(mountinfo, (254 << 8) | 0)).toBe('ext4');
  expect(mountKind(mountinfo, (300 & 0xff) | ((300 & 0xfff00) << 12))).toBe('nfs4');
  expect(mountKind(mountinfo, 99)).toBeUndefined();
});
