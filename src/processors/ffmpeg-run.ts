import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { errno, Fault } from '../domain/faults.js';

/** One call of ffmpeg or ffprobe. */
export interface ToolCall {
  readonly tool: Tool;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** The tool is stopped when it shows no headway for so long. */
  readonly stallMs: number;
  /** Time between the request to end and the kill. */
  readonly graceMs?: number;
  /** One line of its stdout; true when it shows headway. */
  readonly onLine: (line: string) => boolean;
}

export type Tool = 'ffmpeg' | 'ffprobe';

export interface ToolEnd {
  readonly stalled: boolean;
  readonly exitCode: number | null;
  readonly exitSignal: NodeJS.Signals | null;
  /** Its first 2 kB and last 4 kB. */
  readonly stderr: string;
  readonly stderrLines: number;
}

/** What ffmpeg reports of its progress, and how it ended. */
export interface FfmpegEnd extends ToolEnd {
  /** Video frames that went out; the same for every output of one command. */
  readonly frames: number;
  /** Where the longest output ends. */
  readonly seconds: number;
}

export interface FfmpegCall {
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly stallMs?: number;
  readonly graceMs?: number;
  readonly onSeconds?: (seconds: number) => void;
  /** Lines of stdout that are not progress. */
  readonly onOther?: (line: string) => void;
}

/** Path of a tool: `NIGHTPRESS_FFMPEG` and `NIGHTPRESS_FFPROBE`, else what `PATH` finds. */
export function toolPath(tool: Tool): string {
  return process.env[`NIGHTPRESS_${tool.toUpperCase()}`] ?? tool;
}

/** Runs ffmpeg to its end. Frames, time and bytes written are headway; standing still for a minute is a stall. */
export async function runFfmpeg({
  args,
  signal,
  stallMs = 60_000,
  graceMs,
  onSeconds,
  onOther,
}: FfmpegCall): Promise<FfmpegEnd> {
  const latest = new Map<string, string>();
  const onLine = (line: string): boolean => {
    const [, key = '', value = ''] = /^(\w+)=\s*(.*)$/.exec(line) ?? [];
    if (!headway.has(key)) onOther?.(line);
    if (!headway.has(key) || latest.get(key) === value) return false;
    latest.set(key, value);
    if (key === 'out_time_us') onSeconds?.(secondsOf(value));
    return true;
  };
  const end = await runTool({ tool: 'ffmpeg', args, signal, stallMs, graceMs, onLine });
  return { ...end, frames: Number(latest.get('frame') ?? 0), seconds: secondsOf(latest.get('out_time_us')) };
}

const headway = new Set(['frame', 'out_time_us', 'total_size']);

/** `N/A` while nothing went out; negative while only a lead-in did. */
function secondsOf(microseconds = ''): number {
  return Math.max(0, Number(microseconds) || 0) / 1e6;
}

/**
 * Runs a tool until its process is gone and its pipes are closed; nothing of it is left when this settles.
 *
 *   running ──stall or abort──► ending (SIGTERM) ──grace over──► killed (SIGKILL)
 *      └───────────────────────────────┴────────────────────────────┴──► gone ('close')
 *
 * The tool stays in the worker's process group, so that its memory is counted and a kill of the group reaches it; hence
 * no `detached`. Aborting rejects with the signal's reason, but only once the process is gone. A tool that cannot be
 * started is `tool-missing`. Rejected: `timeout` and `signal` of `spawn`, which neither escalate nor wait.
 */
export function runTool(call: ToolCall): Promise<ToolEnd> {
  call.signal.throwIfAborted();
  const command = toolPath(call.tool);
  const child = spawn(command, [...call.args], { stdio: ['ignore', 'pipe', 'pipe'], env: toolEnvironment() });
  const ending = new Ending(child, call.graceMs ?? 5000);
  const stderr = new BoundedText();
  const stall = setTimeout(() => ending.begin('stalled'), call.stallMs);
  const onAbort = (): void => ending.begin('aborted');
  call.signal.addEventListener('abort', onAbort, { once: true });
  readLines(child.stdout, (line) => {
    if (call.onLine(line)) stall.refresh();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.add(text));
  return new Promise<ToolEnd>((resolve, reject) => {
    child.on('error', (cause) => reject(cannotStart(command, cause)));
    child.on('close', (exitCode, exitSignal) => {
      if (ending.reason === 'aborted') return reject(call.signal.reason);
      resolve({
        stalled: ending.reason === 'stalled',
        exitCode,
        exitSignal,
        stderr: stderr.text,
        stderrLines: stderr.lines,
      });
    });
  }).finally(() => {
    clearTimeout(stall);
    ending.over();
    call.signal.removeEventListener('abort', onAbort);
  });
}

/** The way out of a process that must end: asked once, killed after the grace. */
class Ending {
  reason: 'stalled' | 'aborted' | undefined;
  #kill: NodeJS.Timeout | undefined;

  constructor(
    private readonly child: ChildProcess,
    private readonly graceMs: number,
  ) {}

  begin(reason: 'stalled' | 'aborted'): void {
    if (this.reason) return;
    this.reason = reason;
    this.child.kill('SIGTERM');
    this.#kill = setTimeout(() => this.child.kill('SIGKILL'), this.graceMs);
    // Whoever inherited the pipes must not keep us from seeing that the tool is gone.
    this.child.once('exit', () => {
      this.child.stdout?.destroy();
      this.child.stderr?.destroy();
    });
  }

  over(): void {
    clearTimeout(this.#kill);
  }
}

/** Keeps the beginning, which names the cause, and the end, which names the consequence. */
class BoundedText {
  lines = 0;
  #head = '';
  #tail = '';
  #dropped = false;

  add(text: string): void {
    this.lines += text.split('\n').length - 1;
    const room = headLength - this.#head.length;
    this.#head += text.slice(0, room);
    const tail = this.#tail + text.slice(room);
    this.#dropped ||= tail.length > tailLength;
    this.#tail = tail.slice(-tailLength);
  }

  get text(): string {
    return this.#head + (this.#dropped ? '\n…\n' : '') + this.#tail;
  }
}

const headLength = 2048;
const tailLength = 4096;

/** Lines longer than this are cut: they are no progress of any tool, and a hostile file may make them endless. */
const longestLine = 65_536;

function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

/**
 * An allow-list: variables such as `FFREPORT` make ffmpeg write files, and credentials are none of its business. With
 * the C locale system errors come in the words we look for.
 */
function toolEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' };
}

function cannotStart(command: string, cause: Error): Error {
  if (!['ENOENT', 'EACCES', 'ENOEXEC'].includes(errno(cause) ?? '')) return cause;
  return new Fault('tool-missing', `'${command}' cannot be started, expected a program`, {
    cause,
    hint: installHint(),
  });
}

/** How the platform gets an ffmpeg with every encoder we use. */
export function installHint(): string {
  return process.platform === 'darwin' ? 'brew install ffmpeg' : 'sudo apt-get install -y ffmpeg';
}
