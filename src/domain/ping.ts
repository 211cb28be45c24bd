/**
 * Addresses of a dead-man switch as healthchecks.io and what is like it have them: `URL/start` when work begins,
 * `URL/<exit code>` when it ended (healthchecks.io/docs/http_api). The address is a secret: who knows it can say that all
 * is well.
 */
export type PingSignal = 'start' | number;

/** Undefined: no address that can be pinged. User and password in it are none: `fetch` refuses them. */
export function parsePingUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  return isWeb && url.username === '' && url.password === '' ? url : undefined;
}

/** Path and query stay as they are; the signal is one more segment of the path. */
export function pingUrl(base: URL, signal: PingSignal): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${signal}`;
  return url;
}

/** What a stranger may read: whom we wanted to reach, not the secret. */
export function pingHost(base: URL): string {
  return `${base.protocol}//${base.host}/…`;
}

/** Whether another try may go better: the other side is busy or broken. Anything else it would answer again. */
export function isWorthAnotherPing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
