import { sha256 } from '../domain/digest.js';
import { Fault } from '../domain/faults.js';
import type { ToolVersions } from '../domain/types.js';
import { installHint, runTool, type Tool, toolPath } from './ffmpeg-run.js';

/**
 * What influences the bytes: ffmpeg's version line, its configuration and libraries, x264 (a library of its own, updated
 * on its own), the processor's architecture and our one thread. Versions of libopus and LAME are told by no command.
 *
 * One tiny encode proves that every encoder works. Remembered for the life of the process. Throws `tool-missing`.
 */
export function ffmpegVersions(encoders: readonly string[]): Promise<ToolVersions> {
  const key = [toolPath('ffmpeg'), toolPath('ffprobe'), ...encoders].join('\n');
  const known = versions.get(key) ?? readVersions(encoders);
  versions.set(key, known);
  known.catch(() => versions.delete(key)); // the caller sees the error; the next call looks again
  return known;
}

const versions = new Map<string, Promise<ToolVersions>>();

async function readVersions(encoders: readonly string[]): Promise<ToolVersions> {
  await ask('ffprobe', ['-version']);
  const about = await ask('ffmpeg', ['-version']);
  const stream = await ask('ffmpeg', trialArguments(encoders));
  const [, version = 'unknown'] = /^ffmpeg version (\S+)/.exec(about) ?? [];
  const [, x264] = /x264 - core (\d+(?: r\d+)?(?: [0-9a-f]{6,})?)/.exec(stream) ?? [];
  return {
    ffmpeg: version,
    ffmpegBuild: sha256(about).slice(0, 16),
    ...(x264 && { x264 }),
    arch: process.arch,
    threads: '1',
  };
}

/** One frame or a tenth of a second through each encoder, with the youngest option we use (ffmpeg 5.1). Raw H.264 goes to stdout: x264 writes its version into it. */
function trialArguments(encoders: readonly string[]): string[] {
  const sources = [
    '-f',
    'lavfi',
    '-i',
    'color=s=16x16:r=25:d=0.2',
    '-f',
    'lavfi',
    '-i',
    'anullsrc=r=48000:cl=stereo:d=0.2',
  ];
  const outputs = encoders.map((encoder) => {
    const picture = ['-map', '0:v', '-frames:v', '1', '-fps_mode', 'vfr', '-c:v', encoder];
    if (encoder === 'libx264') return [...picture, '-f', 'h264', 'pipe:1'];
    if (encoder === 'mjpeg') return [...picture, '-pix_fmt', 'yuvj420p', '-f', 'null', '-'];
    return ['-map', '1:a', '-t', '0.1', '-c:a', encoder, '-f', 'null', '-'];
  });
  return ['-nostdin', '-hide_banner', '-v', 'error', ...sources, ...outputs.flat()];
}

/** True when this ffmpeg can map HDR to the range of ordinary screens. */
export async function canToneMap(): Promise<boolean> {
  const filters = await ask('ffmpeg', ['-hide_banner', '-v', 'error', '-filters']);
  return [' zscale ', ' tonemap '].every((name) => filters.includes(name));
}

/** What a tool prints. */
async function ask(tool: Tool, args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const call = { tool, args, signal: new AbortController().signal, stallMs: 30_000 };
  const end = await runTool({ ...call, onLine: (line) => lines.push(line) < 0 });
  if (end.exitCode === 0) return lines.join('\n');
  const [, missing] = /Unknown encoder '([^']+)'/.exec(end.stderr) ?? [];
  const problem = missing ? `has no encoder '${missing}'` : `ended with exit code ${end.exitCode ?? end.exitSignal}`;
  throw new Fault('tool-missing', `'${toolPath(tool)}' ${problem}, expected a complete ${tool}`, {
    hint: installHint(),
  });
}
