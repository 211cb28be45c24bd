import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Observed {
  readonly looks: number;
  readonly blobs: number;
  readonly outrun: number;
  readonly snapshots: number;
}

export interface Readers {
  /** What must not be, as far as it was seen by now. */
  readonly violations: readonly string[];
  /** Ends the readers; what each of them looked at. */
  stop(): Promise<readonly Observed[]>;
}

/** Starts processes that read an origin all the time, each running `reader.ts` without a build. */
export function startReaders(origin: string, count: number): Readers {
  const program = fileURLToPath(new URL('reader.ts', import.meta.url));
  const jiti = import.meta.resolve('jiti/register');
  const violations: string[] = [];
  const ends = Array.from({ length: count }, (_, at) => {
    const child = spawn(process.execPath, ['--import', jiti, program, origin], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) take(JSON.parse(line));
    });
    let observed: Observed | undefined;
    const take = (said: { readonly type: string; readonly where?: string; readonly flaw?: string } & Observed) => {
      if (said.type === 'violation') violations.push(`reader ${at + 1}, ${said.where}: ${said.flaw}`);
      else observed = said;
    };
    const ended = new Promise<Observed>((resolve, reject) => {
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
