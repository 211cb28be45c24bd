import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { age, aWorld, bin, type Ended, fill, type World } from './world.js';

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

/** The one JSON document that a command of the world's job prints. */
export async function ask(world: World, verb: string, ...args: readonly string[]): Promise<Answer> {
  return await askFrom(world, path.dirname(world.state), verb, ...args);
}

/** The same from a machine with this state folder. */
export async function askFrom(world: World, state: string, verb: string, ...args: readonly string[]): Promise<Answer> {
  const ended = await world.run(args, { verb, state });
  return { ...ended, json: (ended.lines[0] ?? {}) as Record<string, unknown> & Answer['json'] };
}

export interface Answer extends Ended {
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of a record is checked by the test
  readonly json: Record<string, any>;
}

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A whole command line as a person types it, without a terminal. */
export async function say(world: World, ...words: readonly string[]): Promise<Said> {
  const { PATH = '', HOME = '' } = process.env;
  return await new Promise((resolve) => {
    execFile(process.execPath, [bin, ...words], { cwd: world.folder, env: { PATH, HOME } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
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
