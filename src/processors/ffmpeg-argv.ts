import ffmpeg from 'fluent-ffmpeg';

/** A file given to ffmpeg: always a staged or self-made one, under a name of ours. */
export interface FfmpegInput {
  /** Absolute path. */
  readonly file: string;
  /** The demuxers that may open it, from the table of media types. */
  readonly demuxers: string;
  /** Skip so many seconds first. */
  readonly seekSeconds?: number;
}

export interface FfmpegOutput {
  /** Absolute path; it must not exist. */
  readonly file: string;
  readonly format: string;
  /** Labels of the graph. */
  readonly maps: readonly string[];
  readonly options: readonly string[];
  /** ffmpeg ends the file *silently* when it gets longer; whoever sets this must look at the size afterwards. */
  readonly limitBytes: number;
}

/** A command line that makes `outputs` from one decode of `input`. */
export function encodeArguments(
  input: FfmpegInput,
  graph: readonly string[],
  outputs: readonly FfmpegOutput[],
): string[] {
  const command = commandFor(input, []).complexFilter([...graph]);
  for (const output of outputs) {
    command.output(fileUrl(output.file));
    for (const label of output.maps) command.map(label);
    command.outputOptions([...output.options, ...sameBytes, '-fs', String(output.limitBytes)]);
    command.outputOptions(['-max_muxing_queue_size', '4096']).format(output.format);
  }
  return argumentsOf(command);
}

/** A command line that decodes every stream of `input` and fails at the first thing a decoder objects to. */
export function decodeArguments(input: FfmpegInput): string[] {
  const command = commandFor(input, ['-xerror']).output('-');
  return argumentsOf(command.outputOptions(['-map', '0', '-threads', '1', '-fps_mode', 'passthrough']).format('null'));
}

/** What ffprobe needs to open `input` under the same rules. */
export function probeArguments(input: FfmpegInput, entries: readonly string[]): string[] {
  const wanted = ['-of', 'json=compact=1', '-show_entries', entries.join(':')];
  return ['-hide_banner', '-v', 'error', ...openingRules(input), ...wanted, fileUrl(input.file)];
}

/**
 * What a demuxer may do. A playlist or concat script named `.mp4` names other files, and a whitelist of protocols does
 * not keep ffmpeg from opening those (`file` must be on it): only the whitelist of demuxers does, so both are always
 * given. Frames are bounded because a header of a few bytes can ask for gigabytes. One decoder thread: several change
 * nothing for the better in a night of many files, and some decoders then drop other frames of a broken one.
 */
function openingRules(input: FfmpegInput): string[] {
  const whitelists = ['-protocol_whitelist', 'file', '-format_whitelist', input.demuxers];
  return [...whitelists, '-max_pixels', String(maxPixels), '-threads', '1'];
}

const maxPixels = 100_000_000;

/** Largest single allocation inside ffmpeg, in bytes. */
const maxAllocation = 2_000_000_000;

/** No metadata, no random ids, no versions, and one thread, because x264's bytes depend on their number. */
const sameBytes = [
  ...['-map_metadata', '-1', '-map_metadata:s', '-1', '-map_chapters', '-1', '-threads', '1'],
  ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact'],
];

/** Options that come before everything: ffmpeg takes global ones anywhere, and people look for them at the front. */
function commandFor(input: FfmpegInput, more: readonly string[]): ffmpeg.FfmpegCommand {
  const globals = [
    '-nostdin',
    '-hide_banner',
    '-v',
    'error',
    '-nostats',
    '-progress',
    'pipe:1',
    '-stats_period',
    '1',
    ...more,
  ];
  const bounds = ['-max_alloc', String(maxAllocation), '-filter_threads', '1', '-filter_complex_threads', '1'];
  const seek = input.seekSeconds === undefined ? [] : ['-ss', input.seekSeconds.toFixed(3)];
  return ffmpeg(fileUrl(input.file)).inputOptions([...globals, ...bounds, ...openingRules(input), ...seek]);
}

/** The prefix keeps `-`, `:` and `%` in a path from meaning anything. */
function fileUrl(file: string): string {
  return `file:${file}`;
}

/**
 * fluent-ffmpeg only builds: its way of running ffmpeg reports a timeout while the process lives on, and spawns further
 * processes to ask for capabilities. `_getArguments` is private, synchronous, starts nothing, and cannot change any
 * more, because the package is archived (https://github.com/fluent-ffmpeg/node-fluent-ffmpeg).
 */
function argumentsOf(command: ffmpeg.FfmpegCommand): string[] {
  return (command as unknown as { _getArguments(): string[] })._getArguments();
}
