import type { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';

/** What the store's clock said in its answer to this command, in ms with whole seconds; undefined until it came, or without a date. */
export function dateOf(command: GetObjectCommand | PutObjectCommand): () => number | undefined {
  let date: number | undefined;
  // The SDK keeps header fields to itself. The two commands share no type for what is passed on here.
  const { middlewareStack } = command as PutObjectCommand;
  middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const given = (result.response as { headers?: Record<string, string> }).headers?.date;
      const at = given === undefined ? Number.NaN : Date.parse(given);
      date = Number.isNaN(at) ? undefined : at;
      return result;
    },
    { step: 'deserialize', name: 'nightpressDate' },
  );
  return () => date;
}
