type Call<A, R> = (args: A) => Promise<R>;

/**
 * A middleware for the AWS SDK's clients: `then` says what becomes of an error of this name, by throwing another or by asking
 * `again`. Nothing of the SDK is known here, so that sources and origins can share it.
 */
export function uponError(name: string, then: <R>(again: () => Promise<R>) => Promise<R>) {
  return <A, R>(next: Call<A, R>): Call<A, R> =>
    async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== name) throw error;
        return await then(() => next(args));
      }
    };
}

/** As the SDK calls it when nobody answers in time. */
export const silence = 'TimeoutError';

/** Inside what tries again. A fault thrown there is no trouble that the SDK knows, so it goes straight to whoever asked. */
export const insideTries = { step: 'finalizeRequest', priority: 'low', name: 'nightpressSilence' } as const;
