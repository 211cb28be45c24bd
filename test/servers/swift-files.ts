export interface SwiftPlan {
  readonly folder: string;
  /** Of the proxy, which speaks S3. */
  readonly port: number;
  readonly memory: number;
  readonly parts: readonly { readonly name: SwiftPart; readonly port: number }[];
}

export type SwiftPart = 'account' | 'container' | 'object';

/** One device, one replica, 64 partitions: written by Swift's own ring builder. */
export const ringsScript = `import sys
from swift.common.ring import RingBuilder
for at in range(2, len(sys.argv), 2):
    name, port = sys.argv[at], int(sys.argv[at + 1])
    rings = RingBuilder(6, 1, 0)
    rings.add_dev(dict(region=1, zone=1, ip='127.0.0.1', port=port, device='disk', weight=1.0))
    rings.rebalance()
    rings.get_ring().save('%s/%s.ring.gz' % (sys.argv[1], name))
`;

export function swiftFiles(plan: SwiftPlan): readonly { readonly name: string; readonly text: string }[] {
  return [
    { name: 'swift.conf', text: swiftConf },
    { name: 'proxy-server.conf', text: proxyConf(plan) },
    ...plan.parts.map((part) => ({ name: `${part.name}-server.conf`, text: partConf(plan.folder, part) })),
  ];
}

const swiftConf = `[swift-hash]
swift_hash_path_suffix = s
swift_hash_path_prefix = p
[storage-policy:0]
name = Policy-0
default = yes
`;

const whoRuns = `user = ${process.env.USER ?? 'root'}`;

function partConf(folder: string, { name, port }: SwiftPlan['parts'][number]): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
${whoRuns}
swift_dir = ${folder}
devices = ${folder}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_level = WARNING
[pipeline:main]
pipeline = ${name}-server
[app:${name}-server]
use = egg:swift#${name}
recon_cache_path = ${folder}/cache
`;
}

const filters = [
  'catch_errors',
  'gatekeeper',
  'healthcheck',
  'cache',
  'bulk',
  's3api',
  'tempauth',
  'copy',
  'slo',
  'dlo',
];

function proxyConf({ folder, port, memory }: SwiftPlan): string {
  const settings: Readonly<Record<string, string>> = {
    cache: `use = egg:swift#memcache\nmemcache_servers = 127.0.0.1:${memory}`,
    s3api: 'use = egg:swift#s3api\nlocation = us-east-1\ncheck_bucket_owner = false',
    tempauth: 'use = egg:swift#tempauth\nuser_test_tester = testing .admin',
  };
  const sections = filters.map((name) => `[filter:${name}]\n${settings[name] ?? `use = egg:swift#${name}`}\n`);
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
${whoRuns}
swift_dir = ${folder}
log_level = WARNING
[pipeline:main]
pipeline = ${filters.join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
${sections.join('')}`;
}
