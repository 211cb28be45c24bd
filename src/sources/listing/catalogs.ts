import { isSettled } from '../keys.js';
import { type Catalog, lookAt, readCatalog } from './catalog.js';
import type { ListingConfig } from './config.js';

/** The newest whole reading of an inventory, shared by all who ask while it is being made. */
export interface Catalogs {
  /** Reads it, whatever is known. */
  read(): Promise<Catalog>;
  /** Reads it again only when the file is another than the one that is known. */
  current(): Promise<Catalog>;
  /**
   * For bytes that a plan asks for. While a new inventory is being written over the old one, and when the new one is cut,
   * the old one holds: the plan was made of it, and the next scan will say what is wrong.
   */
  planned(): Promise<Catalog>;
}

export function catalogsOf(config: ListingConfig, clock: () => number): Catalogs {
  let known: Catalog | undefined;
  let reading: Promise<Catalog> | undefined;
  let refused: string | undefined;
  const read = async () => {
    reading ??= readCatalog(config, clock()).finally(() => {
      reading = undefined;
    });
    known = await reading;
    return known;
  };
  return {
    read,
    current: async () => {
      const { identity } = await lookAt(config.file);
      return known?.identity === identity ? known : await read();
    },
    planned: async () => {
      const { identity, writtenAt } = await lookAt(config.file);
      if (!known) return await read();
      const isUseless = identity === refused || !isSettled(writtenAt, clock());
      if (known.identity === identity || isUseless) return known;
      try {
        return await read();
      } catch {
        refused = identity; // what is wrong with it, the next scan says

        return known;
      }
    },
  };
}
