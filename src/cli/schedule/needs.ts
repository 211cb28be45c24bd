import type { Job } from '../../domain/types.js';

/** What a job asks the environment for, which no scheduler hands over by itself. Names and places, never a value. */
export interface Needs {
  /** What finds its credentials as AWS tools do: `source`, `origin`, edges by their names. */
  readonly aws: readonly string[];
  /** Variables that edges name. */
  readonly variables: readonly string[];
}

export function needsOf(
  { source, origin }: Pick<Job, 'source' | 'origin'>,
  edges: { readonly aws: readonly string[]; readonly variables: readonly string[] },
): Needs {
  const buckets = Object.entries({ source, origin }).flatMap(([what, { bucket }]) => (bucket ? [what] : []));
  return { aws: [...buckets, ...edges.aws], variables: [...new Set(edges.variables)] };
}

export type Scheduler = 'crontab' | 'systemd' | 'kubernetes';

interface Way {
  readonly aws: string;
  readonly variables: string;
}

const keys = 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';

const ways: Readonly<Record<Scheduler, (job: string) => Way>> = {
  crontab: () => ({
    aws: `${keys} as NAME=value above this line, or AWS_PROFILE=NAME of ~/.aws`,
    variables: 'as NAME=value above this line',
  }),
  systemd: (job) => ({
    aws: `${keys} as NAME=value in a file of mode 0600, EnvironmentFile=/etc/nightpress/${job}.env, or Environment=AWS_PROFILE=NAME`,
    variables: `as NAME=value in a file of mode 0600, EnvironmentFile=/etc/nightpress/${job}.env`,
  }),
  kubernetes: () => ({
    aws: `${keys} of a secret, by envFrom of the container, or a service account with a role (serviceAccountName)`,
    variables: 'of a secret, by envFrom of the container',
  }),
};

/** Comment lines for the entry, which people paste where nobody reads what stood beside it. */
export function needsLines(scheduler: Scheduler, job: string, { aws, variables }: Needs): readonly string[] {
  const way = ways[scheduler](job);
  return [
    ...(aws.length > 0
      ? [`# needs credentials (${aws.join(', ')}): ${way.aws}; none where the machine has a role`]
      : []),
    ...(variables.length > 0 ? [`# needs ${variables.join(', ')} (edges): ${way.variables}`] : []),
  ];
}
