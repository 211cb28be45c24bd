import { keyOfBlob, type Moved } from './moved.js';
import { originalKey, parseKey } from './origin-keys.js';
import type { Derivative } from './types.js';

/** Under which URLs a derivative can be had. */
export interface DerivativeUrls {
  /** Always these bytes: may be cached for ever, and stays while a snapshot that holds it is retained. */
  readonly immutable: string;
  /** Whatever is live under this public path; only where plain web servers are shown a tree. */
  readonly stable?: string;
}

export interface Shown {
  /** The origin's as the job file says it, with or without a slash at its end. */
  readonly baseUrl: string;
  readonly hasTree: boolean;
  /** Of the head. */
  readonly moved?: Moved;
}

export function urlsOf(derivative: Derivative, { baseUrl, hasTree, moved }: Shown): DerivativeUrls {
  const base = baseUrl.replace(/\/+$/, '');
  const immutable = `${base}/${keyOfBlob(moved, derivative)}`;
  return hasTree ? { immutable, stable: `${base}/live/${encodePath(derivative.path)}` } : { immutable };
}

/** A public path as part of a URL: every segment percent-encoded, the slashes between them kept. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The public path, or the key as a blob's name says it, that a URL of this origin or a path of its own names. */
export function pathOfUrl(text: string, baseUrl: string | undefined): string {
  const base = baseUrl?.replace(/\/+$/, '');
  const below = base !== undefined && text.startsWith(`${base}/`) ? decoded(text.slice(base.length + 1)) : text;
  const path = below.replace(/^\/+/, '');
  return parseKey(path) ? originalKey(path) : path.replace(/^live\//, '');
}

/** Absolute, http or https, without query and fragment, and without user and password, which would be told in errors. */
export function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text) || !/^https?:\/\/[^?#]+$/i.test(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

function decoded(text: string): string {
  const path = text.replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a stray percent sign: then it is a name as it stands
  }
}
