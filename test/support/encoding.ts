import { descendantsOf, type Left } from './processes.js';
import { until } from './until.js';

/** The ffmpeg that encodes for this coordinator, once it does, and the worker it belongs to. */
export async function encoding({
  pid,
}: {
  readonly pid: number;
}): Promise<{ readonly ffmpeg: Left; readonly worker: Left }> {
  const isEncoder = ({ command }: Left) => /^\S*ffmpeg /.test(command) && command.includes('libx264');
  return await until(
    () => {
      const all = descendantsOf(pid);
      const ffmpeg = all.find(isEncoder);
      const worker = all.find(({ pid }) => pid === ffmpeg?.parent);
      return ffmpeg && worker && { ffmpeg, worker };
    },
    'ffmpeg is encoding',
    30_000,
  );
}
