import { audio, defineJob, video } from 'nightpress';

/** Clips for the web with a poster, and sound as AAC for players and Opus for everything recent. */
export default defineJob({
  source: { type: 'directory', path: 'fixtures/newsroom' },
  window: { cron: '30 1 * * *', timezone: 'Europe/Berlin', length: '4h' },
  recipes: {
    clips: video({ match: '**/*.{mp4,mov,mkv,webm}', heights: [360, 720], poster: true }),
    sound: audio({ match: '**/*.{mp3,wav,flac,ogg}', formats: ['aac', 'opus'] }),
  },
  origin: { type: 'directory', path: 'public/newsroom', baseUrl: 'https://cdn.example.com/newsroom' },
});
