import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Writes `file` with the system's ffmpeg; what is between the globals and the file name is the caller's. */
export async function make(file: string, ...args: string[]): Promise<void> {
  await run('ffmpeg', ['-nostdin', '-v', 'error', ...args, '-y', file]);
}

/** A source of ffmpeg's own, as input arguments. */
export function lavfi(...graphs: string[]): string[] {
  return graphs.flatMap((graph) => ['-f', 'lavfi', '-i', graph]);
}

export interface Probed {
  readonly format: { readonly format_name: string; readonly duration: string; readonly tags?: Record<string, string> };
  readonly streams: readonly Record<string, unknown>[];
}

/** What ffprobe says, asked without any code of ours. Frames are counted by decoding. */
export async function look(file: string): Promise<Probed> {
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-of', 'json', '-count_frames'],
    ...['-show_format', '-show_streams', file],
  ]);
  return JSON.parse(stdout);
}

/** Mean colour of a rectangle of the first frame: red, green, blue. */
export async function colourAt(file: string, crop: string): Promise<readonly [number, number, number]> {
  const graph = `crop=${crop},scale=1:1:flags=area,format=rgb24`;
  const { stdout } = await run(
    'ffmpeg',
    ['-nostdin', '-v', 'error', '-i', file, '-vf', graph, '-frames:v', '1', '-f', 'rawvideo', '-'],
    { encoding: 'buffer' },
  );
  const [red = 0, green = 0, blue = 0] = stdout;
  return [red, green, blue];
}

/** Names of an MP4's outermost boxes, in order. */
export async function boxesOf(file: string): Promise<readonly string[]> {
  const bytes = await readFile(file);
  const names: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += Math.max(8, bytes.readUInt32BE(at))) {
    names.push(bytes.toString('latin1', at + 4, at + 8));
  }
  return names;
}

/** How many frames ffmpeg's own detector takes for interlaced. */
export async function combedFrames(file: string): Promise<number> {
  const { stderr } = await run('ffmpeg', [
    '-nostdin',
    '-hide_banner',
    '-i',
    file,
    '-vf',
    'idet',
    '-an',
    '-f',
    'null',
    '-',
  ]);
  const [, top, bottom] = /Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+)/.exec(stderr) ?? [];
  return Number(top) + Number(bottom);
}

/** When each frame is shown, in seconds. */
export async function frameTimes(file: string): Promise<readonly number[]> {
  const entries = ['-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, file]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => Number.parseFloat(line));
}
