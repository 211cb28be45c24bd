import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Observed {
  readonly looks: number;
  readonly blobs: number;
  readonly outrun: number;
  readonly snapshots: number;
}

export interface Readers<Seen = Observed> {
  /** What must not be, as far as it was seen by now. */
  readonly violations: readonly string[];
  /** Ends the readers; what each of them looked at. */
  stop(): Promise<readonly Seen[]>;
}

/** Starts processes that read an origin all the time. */
export function startReaders(origin: string, count: number): Readers {
  return startWatching(new URL('reader.ts', import.meta.url), Array(count).fill([origin]));
}

/**
 * Starts a process for each of `calls`, which are its arguments; without a build. Until its stdin ends it tells violations in
 * lines of JSON, and at last what it has seen.
 */
export function startWatching<Seen>(program: URL, calls: readonly (readonly string[])[]): Readers<Seen> {
  const jiti = import.meta.resolve('jiti/register');
  const violations: string[] = [];
  const ends = calls.map((call, at) => {
    const words = ['--import', jiti, fileURLToPath(program), ...call];
    const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) take(JSON.parse(line));
    });
    let observed: Seen | undefined;
    const take = (said: { readonly type: string; readonly where?: string; readonly flaw?: string } & Seen) => {
      if (said.type === 'violation') violations.push(`reader ${at + 1}, ${said.where}: ${said.flaw}`);
      else observed = said;
    };
    const ended = new Promise<Seen>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        if (observed) resolve(observed);
        else reject(new Error(`reader ${at + 1} ended with ${code} and told nothing`));
      });
    });
    return () => {
      child.stdin.end();
      return ended;
    };
  });
  return { violations, stop: () => Promise.all(ends.map((end) => end())) };
}
