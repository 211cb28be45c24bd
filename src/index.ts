/** What a job file may import. Nothing else is public. */
export { defineJob, type JobInput } from './job/input.js';
export { audio } from './processors/audio/recipe.js';
export { copy } from './processors/copy/recipe.js';
export { image } from './processors/image/recipe.js';
export { video } from './processors/video/recipe.js';
