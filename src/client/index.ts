/** `nightpress/client`: reads an origin from a browser or from Node. Nothing but web standards, no dependencies. */
export type { Derivative, Entry } from '../domain/types.js';
export type { Asset } from './asset.js';
export type { Choice } from './choose.js';
export { ReadError, type ReadErrorCode } from './errors.js';
export type { PictureOptions } from './markup.js';
export { type OpenOptions, open, type Reader } from './reader.js';
export { type Fetch, fromUrl, type ReadRequest, type Source } from './source.js';
