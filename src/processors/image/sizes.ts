import { longestSide } from './recipe.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The sizes to make, largest first; empty when the shape cannot be held at all (`longestSide`).
 *
 * Heights come from the original's own dimensions, never from another size: rounding twice gives 854 where 853 is right.
 * Widths at or above `widest` collapse into one at `widest`, so that no size is made twice or enlarged.
 */
export function planSizes(widths: readonly number[], source: Size, widest: number): readonly Size[] {
  const distinct = new Set(widths.map((width) => Math.min(width, widest)));
  return [...distinct]
    .filter((width) => width >= 1)
    .sort((a, b) => b - a)
    .map((width) => ({ width, height: Math.max(1, Math.round((width * source.height) / source.width)) }));
}

/** A photo is never wider than it is. */
export function widestRaster(source: Size): number {
  return Math.min(source.width, widestHeld(source));
}

/** A drawing has no width of its own; it ends where its pixels would be too many. */
export function widestDrawing(shape: Size, maxPixels: number): number {
  return Math.min(longestSide, widestHeld(shape), Math.floor(Math.sqrt((maxPixels * shape.width) / shape.height)));
}

/** The width at which the height is `longestSide`. */
function widestHeld(shape: Size): number {
  return Math.floor((longestSide * shape.width) / shape.height);
}
