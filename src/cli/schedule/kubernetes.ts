import { createHash } from 'node:crypto';
import { stopSeconds } from './call.js';
import { minuteField } from './crontab.js';

export interface KubernetesCall {
  readonly job: string;
  /** Arguments of `nightpress`, unquoted. */
  readonly words: readonly string[];
  /** Minutes of the hour by the clock of `zone`. */
  readonly minutes: readonly number[];
  readonly zone: string;
  readonly graceMs: number;
  /** Holds `nightpress` in its PATH, and the tools. */
  readonly image: string;
  /** Volume claim with the project, state included: without state every call would be a first run. */
  readonly claim: string;
  /** Where the claim is mounted. */
  readonly project: string;
}

/** A call that comes this late is left out: the next hour's comes soon. */
const startingDeadlineSeconds = 1800;

export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** A CronJob that never runs twice at once, is not restarted by the cluster (the next call resumes), and ends calmly. */
export function cronJob(call: KubernetesCall): Json {
  const { job, words, minutes, zone, graceMs, image, claim, project } = call;
  const container = {
    name: 'nightpress',
    image,
    command: ['nightpress', ...words].map(literally),
    volumeMounts: [{ name: 'project', mountPath: project }],
  };
  const pod = {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: stopSeconds(graceMs),
    containers: [container],
    volumes: [{ name: 'project', persistentVolumeClaim: { claimName: claim } }],
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: objectName(job) },
    spec: {
      schedule: `${minuteField(minutes)} * * * *`,
      timeZone: zone,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 3,
      jobTemplate: { spec: { backoffLimit: 0, template: { spec: pod } } },
    },
  };
}

/** In a command Kubernetes replaces `$(NAME)`, and reads `$$` as `$`. */
function literally(word: string): string {
  return word.replaceAll('$', '$$$$');
}

/** The longest name a CronJob may have, since its Jobs add 11 characters to theirs. */
const longestName = 52;

/** Lower-case letters, digits, `-` and `.`, the latter two inside and not together; a name that had to be bent gets a digest. */
function objectName(job: string): string {
  const name = `nightpress-${job}`;
  if (name.length <= longestName && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name) && !/-\.|\.-|-$/.test(name)) return name;
  const bent = name.replace(/[^a-z0-9]+/g, '-').slice(0, longestName - 9);
  return `${bent.replace(/-$/, '')}-${createHash('sha256').update(job).digest('hex').slice(0, 8)}`;
}

/** Block YAML. Strings that could be read as anything else are quoted as in JSON, which YAML understands. */
export function toYaml(value: Json, indent = ''): string {
  if (typeof value !== 'object') return scalar(value);
  if (isList(value)) return value.map((item) => `${indent}- ${toYaml(item, `${indent}  `).trimStart()}`).join('\n');
  return Object.entries(value)
    .map(([key, item]) => `${indent}${key}:${typeof item === 'object' ? '\n' : ' '}${toYaml(item, `${indent}  `)}`)
    .join('\n');
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function scalar(value: string | number | boolean): string {
  const isPlain = typeof value === 'string' && /^[A-Za-z][\w./-]*$/.test(value);
  return isPlain && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value) ? value : JSON.stringify(value);
}
