import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { vi } from 'vitest';
import { main } from '../../src/cli/main.js';
import { age, aWorld, type Ended, fill, type World } from './world.js';

/** A world that has published: its sources are texts and one picture, old enough to be trusted. */
export async function aPublishedWorld(nights: readonly ((world: World) => Promise<void>)[] = []): Promise<World> {
  const world = await aWorld();
  await fill(world, { pictures: 1, texts: 3 });
  for (const change of [async () => undefined, ...nights]) {
    await change(world);
    await publishNow(world);
  }
  return world;
}

/** A night outside the schedule that is expected to go live. */
export async function publishNow(world: World): Promise<Ended> {
  await age(world);
  const ended = await world.run(['--now']);
  if (ended.code !== 0) throw new Error(`the night ended ${ended.code}: ${ended.stderr}${ended.stdout}`);
  return ended;
}

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Answer extends Said {
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of a record is checked by the test
  readonly json: Record<string, any>;
}

/**
 * A command line as a person without a terminal types it. Not a process of its own: these commands start none and take
 * no signals, and most of the time would be spent on starting Node.
 */
export async function say(world: World, ...words: readonly string[]): Promise<Said> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  try {
    const { PATH = '', HOME = '' } = process.env;
    const code = await main([...words, '--project', world.folder], { PATH, HOME, CI: '1' });
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** The one JSON document that a command of the world's job prints. */
export async function ask(world: World, ...words: readonly string[]): Promise<Answer> {
  const said = await say(world, ...words, '--json');
  return { ...said, json: said.stdout === '' ? {} : JSON.parse(said.stdout) };
}

/** Content of every text that `live` shows, by public path. */
export async function liveTexts(world: World): Promise<Readonly<Record<string, string>>> {
  const folder = path.join(world.origin, 'live', 'texts');
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  return Object.fromEntries(names.map((name, at) => [`texts/${name}`, texts[at] ?? '']));
}

export async function anotherJob(world: World, name: string): Promise<void> {
  const text = await readFile(path.join(world.folder, 'jobs', 'night.ts'), 'utf8');
  await writeFile(
    path.join(world.folder, 'jobs', `${name}.ts`),
    text.replaceAll(world.origin, `${world.origin}-${name}`),
  );
}
