/** What the public helpers return: the recipes a job file may hold. */
export type { AudioRecipeInput } from './audio/recipe.js';
export type { CopyRecipeInput } from './copy/recipe.js';
export type { ImageRecipeInput } from './image/recipe.js';
export type { VideoRecipeInput } from './video/recipe.js';
