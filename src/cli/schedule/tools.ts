import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

const tools = ['ffmpeg', 'ffprobe'];

/** Where every scheduler looks without being told; cron looks nowhere else. */
const everywhere = ['/usr/bin', '/bin'];

/**
 * Variables that tell a scheduler's call of tools which `env` finds and it would not: a job that works by hand must not
 * end at three in the morning because nobody told cron of `/usr/local/bin`.
 */
export function toolsElsewhere(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const told = tools.flatMap((tool) => {
    const variable = `NIGHTPRESS_${tool.toUpperCase()}`;
    const file = whereIs(env[variable] ?? tool, env.PATH ?? '');
    const isFound = everywhere.some((folder) => file === path.join(folder, tool));
    return file === undefined || isFound ? [] : [[variable, file] as const];
  });
  return Object.fromEntries(told);
}

function whereIs(name: string, search: string): string | undefined {
  if (name.includes('/')) return path.resolve(name);
  const files = search.split(path.delimiter).map((folder) => path.resolve(folder, name));
  return files.find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
