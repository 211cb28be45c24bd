import { blobKey } from './origin-keys.js';
import type { Derivative } from './types.js';

/** Under which URLs a derivative can be had. */
export interface DerivativeUrls {
  /** Always these bytes: may be cached for ever, and stays while a snapshot that holds it is retained. */
  readonly immutable: string;
  /** Whatever is live under this public path; only where plain web servers are shown a tree. */
  readonly stable?: string;
}

/** `baseUrl` is the origin's as the job file says it, with or without a slash at its end. */
export function urlsOf(baseUrl: string, derivative: Derivative, hasTree: boolean): DerivativeUrls {
  const base = baseUrl.replace(/\/+$/, '');
  const immutable = `${base}/${blobKey(derivative)}`;
  return hasTree ? { immutable, stable: `${base}/live/${encodePath(derivative.path)}` } : { immutable };
}

/** A public path as part of a URL: every segment percent-encoded, the slashes between them kept. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The public path or blob key that a URL of this origin, or a path of its own, names; undefined when it is neither. */
export function pathOfUrl(text: string, baseUrl: string | undefined): string {
  const base = baseUrl?.replace(/\/+$/, '');
  const below = base !== undefined && text.startsWith(`${base}/`) ? decoded(text.slice(base.length + 1)) : text;
  return below.replace(/^\/+/, '').replace(/^live\//, '');
}

function decoded(text: string): string {
  const path = text.replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a stray percent sign: then it is a name as it stands
  }
}
