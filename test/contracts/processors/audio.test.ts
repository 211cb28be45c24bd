import { lavfi, make } from '../../support/clips.js';
import { processorContract } from './suite.js';

processorContract({
  kind: 'audio',
  settings: { formats: ['aac', 'mp3', 'opus'] },
  good: {
    key: 'sound/jingle.flac',
    write: (file) => make(file, ...lavfi('sine=frequency=440:duration=0.5'), '-f', 'flac'),
  },
  bad: [
    {
      because: 'pictures alone',
      key: 'silent.mp4',
      write: (file) => make(file, ...lavfi('testsrc2=size=64x64:rate=10:duration=0.3'), '-f', 'mp4'),
    },
  ],
});
