import { readFileSync, realpathSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { errno } from '../../domain/faults.js';
import { mountKind, networkKind } from '../../domain/network-kinds.js';
import { problemsOf, withoutSecret } from '../../domain/problems.js';
import { baseUrl } from '../base-url.js';
import type { OriginCheck } from '../contract.js';

export type DirectoryConfig = z.infer<typeof shape>;

const folderText = 'expected the path of a folder, relative to the project';

const shape = z.strictObject({
  type: z.literal('directory'),
  path: z
    .string(folderText)
    .min(1, folderText)
    .refine((text) => !text.includes('\0'), 'expected a path without NUL'),
  baseUrl: baseUrl.optional(),
  tree: z.boolean('expected true or false').default(true),
  singleWriter: z.boolean('expected true or false').default(false),
});

export function readConfig(config: Readonly<Record<string, unknown>>): DirectoryConfig {
  return shape.parse(config);
}

export function check(config: unknown, project: string): OriginCheck {
  const parsed = shape.safeParse(config);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, config, [], [shape]).map(withoutSecret) };
  const folder = path.resolve(project, parsed.data.path);
  try {
    return checkFolder(folder, parsed.data);
  } catch (error) {
    const code = errno(error);
    if (code === undefined) throw error;
    return refuse(['path'], parsed.data.path, `a folder that can be reached (${code})`);
  }
}

function checkFolder(folder: string, data: z.infer<typeof shape>): OriginCheck {
  if (folder === path.parse(folder).root) return refuse(['path'], data.path, 'a folder of its own');
  const remote = data.singleWriter ? undefined : networkFileSystem(folder);
  if (remote) {
    const expected = `a local file system, not ${remote}; if only one machine ever publishes here: singleWriter: true`;
    return refuse(['path'], data.path, expected);
  }
  const { path: _, ...rest } = data;
  return { ok: true, config: { ...rest, path: folder }, folder, place: `directory:${resolved(folder)}` };
}

function refuse(at: readonly string[], value: unknown, expected: string): OriginCheck {
  return { ok: false, problems: [{ path: at, value, expected }] };
}

/** Links resolved as far as the path exists, so that one place has one name. */
function resolved(folder: string): string {
  return nearest(folder, (existing, rest) => path.join(realpathSync.native(existing), rest));
}

function networkFileSystem(folder: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return nearest(folder, (existing) => {
    const mount = () => mountKind(readFileSync('/proc/self/mountinfo', 'utf8'), statSync(existing).dev);
    return networkKind(statfsSync(existing).type, mount);
  });
}

/** Asks about the nearest folder above that exists; `rest` is the way from there. */
function nearest<T>(folder: string, ask: (existing: string, rest: string) => T): T {
  let existing = folder;
  for (;;) {
    try {
      return ask(existing, path.relative(existing, folder));
    } catch (error) {
      if (errno(error) !== 'ENOENT' || existing === path.dirname(existing)) throw error;
      existing = path.dirname(existing);
    }
  }
}
