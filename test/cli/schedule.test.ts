import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { crontabLine } from '../../src/cli/schedule/crontab.js';
import { cronJob, type Json, type KubernetesCall, toYaml } from '../../src/cli/schedule/kubernetes.js';
import { systemdUnits } from '../../src/cli/schedule/systemd.js';
import { toolsElsewhere } from '../../src/cli/schedule/tools.js';
import { Fault } from '../../src/domain/faults.js';
import { anotherJob, ask, say } from '../support/project.js';
import { parseYaml, unitWords } from '../support/scheduler-texts.js';
import { aWorld, bin, type World } from '../support/world.js';

/** Everything a shell, cron, systemd or Kubernetes might take for its own. */
const odd = [
  `50% off`,
  `it's`,
  `"quoted"`,
  '$HOME',
  '$(id)',
  '$HOME{a,b}',
  '`id`',
  'back\\slash',
  'a\\%b',
  'a\\\\%b%',
  '%h;x',
  '-n',
  '#',
  '*',
];

describe('a crontab line', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'nightpress-cron-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What cron hands to the shell, character by character as in Vixie cron's `do_command.c`. */
  function asCronReads(line: string): { readonly fields: string; readonly command: string } {
    const [, fields = '', rest = ''] = /^((?:\S+ ){5})(.*)$/.exec(line) ?? [];
    let [command, isEscaped] = ['', false];
    for (const char of rest) {
      if (char === '%' && !isEscaped) throw new Error(`to cron the command ends after: ${command}`);
      if (char === '%') command = command.slice(0, -1);
      command += char;
      isEscaped = char === '\\' && !isEscaped;
    }
    return { fields: fields.trim(), command };
  }

  test('hands every word over as it is, and makes the folder of its log', () => {
    const show = 'console.log(JSON.stringify(process.argv.slice(1)))';
    const log = path.join(folder, `it's 50% "$HOME"`, 'x.cron.log');
    const words = [process.execPath, '-e', show, '--', ...odd];
    const line = crontabLine({ words, env: {}, log }, [0, 30]);
    const { fields, command } = asCronReads(line);
    expect(fields).toBe('0,30 * * * *');
    expect(spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(readFileSync(log, 'utf8'))).toEqual(odd);
  });

  test('tells of tools that only the caller’s environment finds', () => {
    const [tool, log] = [path.join(folder, `it's 50%`), path.join(folder, 'env.log')];
    const words = [process.execPath, '-p', 'process.env.NIGHTPRESS_FFMPEG'];
    const { command } = asCronReads(crontabLine({ words, env: { NIGHTPRESS_FFMPEG: tool }, log }, [0]));
    expect(spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(log, 'utf8')).toBe(`${tool}\n`);
  });

  test('is refused for a path with a line break, which cron cannot be told', () => {
    expect(() => crontabLine({ words: ['/bin/true', 'two\nlines'], env: {}, log: '/tmp/x.log' }, [0])).toThrow(Fault);
  });
});

describe('tools that a scheduler would not find', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'nightpress-tools-'));
    for (const name of ['ffmpeg', 'my-ffprobe']) writeFileSync(path.join(folder, name), '', { mode: 0o755 });
    writeFileSync(path.join(folder, 'ffprobe'), '', { mode: 0o644 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('are told by their absolute paths', () => {
    const [PATH, ffmpeg] = [`/nowhere:${folder}:/usr/bin`, path.join(folder, 'ffmpeg')];
    expect(toolsElsewhere({ PATH })).toEqual({ NIGHTPRESS_FFMPEG: ffmpeg });
    const own = { NIGHTPRESS_FFPROBE: path.join(folder, 'my-ffprobe') };
    expect(toolsElsewhere({ PATH: '/usr/bin', ...own })).toEqual(own);
    expect(toolsElsewhere({ PATH: folder, NIGHTPRESS_FFPROBE: 'my-ffprobe' })).toMatchObject(own);
  });

  test('others are not', () => {
    expect(toolsElsewhere({ PATH: '/nowhere' })).toEqual({});
    expect(toolsElsewhere({ PATH: '/nowhere', NIGHTPRESS_FFMPEG: '/usr/bin/ffmpeg' })).toEqual({});
  });
});

describe('systemd units', () => {
  const words = ['/opt/50% "node"/bin/node', '/srv/my site/bin.js', ...odd, 'line\nbreak'];
  const [service, timer] = systemdUnits({
    words,
    env: { NIGHTPRESS_FFMPEG: '/opt/50% "new"/ffmpeg' },
    log: '',
    job: 'catalog',
    minutes: [0, 30],
    zone: 'Australia/Lord_Howe',
    user: 'www',
    graceMs: 90_000,
    needs: [],
  });

  test('hand every word over as it is, and give the grace and some more before the kill', () => {
    const [, command = ''] = /^ExecStart=:(.*)$/m.exec(service?.text ?? '') ?? [];
    expect(unitWords(command)).toEqual(words);
    const [, environment = ''] = /^Environment=(.*)$/m.exec(service?.text ?? '') ?? [];
    expect(unitWords(environment)).toEqual(['NIGHTPRESS_FFMPEG=/opt/50% "new"/ffmpeg']);
    for (const line of ['Type=oneshot', 'User=www', 'KillMode=mixed', 'TimeoutStopSec=120', 'SuccessExitStatus=3 143'])
      expect(service?.text.split('\n')).toContain(line);
  });

  test('call by the clock of the job’s zone, also after the machine was off', () => {
    expect([service?.name, timer?.name]).toEqual(['nightpress-catalog.service', 'nightpress-catalog.timer']);
    for (const line of ['OnCalendar=*-*-* *:00,30:00 Australia/Lord_Howe', 'Persistent=true', 'WantedBy=timers.target'])
      expect(timer?.text.split('\n')).toContain(line);
  });
});

describe('a CronJob', () => {
  const call: KubernetesCall = {
    job: 'catalog',
    words: ['run', ...odd],
    minutes: [5],
    zone: 'Europe/Berlin',
    graceMs: 30_000,
    image: 'registry.example.com/nightpress:1',
    claim: 'media',
    project: "/srv/it's: a #site",
  };

  test('runs once at a time in the job’s zone, keeps its state, and is given time to end', () => {
    expect(parseYaml(toYaml(cronJob(call)))).toEqual({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'nightpress-catalog' },
      spec: {
        schedule: '5 * * * *',
        timeZone: 'Europe/Berlin',
        concurrencyPolicy: 'Forbid',
        startingDeadlineSeconds: 1800,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          spec: {
            backoffLimit: 0,
            template: {
              spec: {
                restartPolicy: 'Never',
                terminationGracePeriodSeconds: 60,
                containers: [
                  {
                    name: 'nightpress',
                    image: 'registry.example.com/nightpress:1',
                    command: ['nightpress', 'run', ...odd.map((word) => word.replaceAll('$', () => '$$'))],
                    volumeMounts: [{ name: 'project', mountPath: "/srv/it's: a #site" }],
                  },
                ],
                volumes: [{ name: 'project', persistentVolumeClaim: { claimName: 'media' } }],
              },
            },
          },
        },
      },
    });
  });

  test('is YAML in which no word turns into something else', () => {
    const words: Json = {
      on: ['yes', 'No', 'null', '1', '1.5', '0x1', '~', '', ' a', 'a: b', 'a #b', '- x', '2026-11-22', 'é\n'],
    };
    expect(parseYaml(toYaml(words))).toEqual(words);
    expect(toYaml({ word: 'yes' })).toBe('word: "yes"');
    expect(toYaml({ word: 'Europe/Berlin' })).toBe('word: Europe/Berlin');
  });

  test.each([
    ['plain-1.x', /^nightpress-plain-1\.x$/],
    ['with_underscore', /^nightpress-with-underscore-[0-9a-f]{8}$/],
    ['a.-b', /^nightpress-a-b-[0-9a-f]{8}$/],
    ['x'.repeat(60), /^nightpress-x{32}-[0-9a-f]{8}$/],
  ])('of %s has a name that the cluster takes', (job, name) => {
    const { metadata } = cronJob({ ...call, job }) as { metadata: { name: string } };
    expect(metadata.name).toMatch(name);
    expect(metadata.name.length).toBeLessThanOrEqual(52);
  });
});

describe('nightpress schedule', () => {
  vi.setConfig({ testTimeout: 120_000 });
  let world: World;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await world.end();
  });

  test('prints an entry for every job, or for the one that is named', async () => {
    world = await aWorld();
    await anotherJob(world, 'other');
    const all = await say(world, 'schedule', 'crontab');
    const lines = all.stdout
      .split('\n')
      .filter((line) => /^\d/.test(line))
      .map((line) => line.replace(/^\d+ /, '').replace(/NIGHTPRESS_FF\w+=\S+ /g, '')); // where ffmpeg is elsewhere
    const call = `${process.execPath} ${bin} run`;
    const flags = `--project ${world.folder} --if-locked skip >> ${world.folder}/.nightpress`;
    expect(all.stdout).not.toContain('# needs');
    expect([all.code, lines]).toEqual([
      0,
      ['night', 'other'].map(
        (job) => `* * * * mkdir -p ${world.folder}/.nightpress && ${call} ${job} ${flags}/${job}.cron.log 2>&1`,
      ),
    ]);
    const { json } = await ask(world, 'schedule', 'systemd', 'other', '--user', 'www', '--grace', '2m');
    expect(json.entries).toMatchObject([{ job: 'other', files: [{ name: 'nightpress-other.service' }, {}] }]);
    expect(json.entries[0].files[0].text).toMatch(/ --grace 2m --if-locked skip\n[\s\S]*TimeoutStopSec=150\n/);
    const kubernetes = await say(world, 'schedule', 'kubernetes', '--image', 'x:1');
    const documents = kubernetes.stdout.split('---\n').filter((text) => text !== '');
    expect(documents.map(parseYaml)).toMatchObject([
      { metadata: { name: 'nightpress-night' } },
      { metadata: { name: 'nightpress-other' } },
    ]);
  });

  test('names in each entry the credentials that a scheduler does not hand over, and never a value', async () => {
    const servers = ['http://127.0.0.1:6081'];
    const edges = [
      { type: 'http-purge', name: 'varnish', servers, tokenEnv: 'PURGE_TOKEN' },
      { type: 'cloudfront', distribution: 'E2EXAMPLE' },
    ];
    const baseUrl = 'https://cdn.example.com';
    world = await aWorld({
      originConfig: { type: 's3', bucket: 'media', prefix: 'night', region: 'eu-central-1', baseUrl },
      gate: `{}, edges: ${JSON.stringify(edges)}`,
    });
    vi.stubEnv('PURGE_TOKEN', 'open sesame');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'open sesame');
    const expected = {
      crontab: [
        /^# needs credentials \(origin, cloudfront\): .* above this line, or AWS_PROFILE=NAME/m,
        /above this line$/m,
      ],
      systemd: [/^# needs .*, EnvironmentFile=\/etc\/nightpress\/night\.env, or /m, /EnvironmentFile=\S+\.env$/m],
      kubernetes: [/^# needs .*by envFrom of the container, or a service account/m, /by envFrom of the container$/m],
    };
    for (const [scheduler, lines] of Object.entries(expected)) {
      const { stdout } = await say(world, 'schedule', scheduler, '--image', 'x:1');
      for (const line of [...lines, /^# needs PURGE_TOKEN \(edges\): /m]) expect(stdout).toMatch(line);
      expect(stdout).not.toContain('sesame');
    }
    const { json } = await ask(world, 'schedule', 'crontab');
    expect(json.entries[0].needs).toEqual({ aws: ['origin', 'cloudfront'], variables: ['PURGE_TOKEN'] });
  });

  test('refuses what it cannot do', async () => {
    world = await aWorld();
    for (const [words, problem] of [
      [['launchd'], 'schedule launchd: expected one of crontab, systemd, kubernetes'],
      [['kubernetes'], 'no --image given: expected'],
      [['kubernetes', '--image', 'x', '--state', '/elsewhere'], '--state /elsewhere: expected a folder in the project'],
      [['systemd', '--user', 'a b'], '--user a b: expected'],
      [['crontab', '--grace', 'long'], '--grace long: expected a duration'],
      [['crontab', 'nobody'], "no job 'nobody'"],
    ] as const) {
      const { code, stderr } = await say(world, 'schedule', ...words);
      expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
    }
  });
});
