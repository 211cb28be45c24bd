/** One answer of a paged listing of a bucket, as far as it tells whether it is one and where it goes on. */
export interface ListedPage {
  readonly IsTruncated?: boolean;
  readonly NextContinuationToken?: string;
}

/**
 * Where a listing goes on after this page; undefined: it ended. `seen` holds where it went on before, and grows. Whatever
 * answers 200 with something else (the sign-in page of a network, a proxy) must not look like an empty bucket, a server that
 * goes round in circles would list for ever, and one that forgets where to go on lists a part: `problem` says so, in words
 * that follow the name of the place.
 */
export function afterPage(
  page: ListedPage,
  seen: Set<string>,
): { readonly token?: string } | { readonly problem: string } {
  const { $metadata: _, ...told } = page as ListedPage & { readonly $metadata?: unknown };
  if (Object.values(told).every((value) => value === undefined))
    return { problem: 'answers with something that is no list' };
  if (!page.IsTruncated) return {};
  const { NextContinuationToken: token } = page;
  if (token === undefined) return { problem: 'says that its list goes on, but not where' };
  if (seen.has(token)) return { problem: 'goes round in circles when it is listed' };
  seen.add(token);
  return { token };
}
