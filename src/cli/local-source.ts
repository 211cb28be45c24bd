import type { Job } from '../domain/types.js';

/** The folder that the job's source reads files from; undefined when they are not on this machine. */
export function localSource({ source }: Job): string | undefined {
  const folder = source.path ?? source.root;
  return typeof folder === 'string' ? folder : undefined;
}
