import { writeFile } from 'node:fs/promises';
import { lavfi, make } from '../../support/clips.js';
import { processorContract } from './suite.js';

const picture = 'testsrc2=size=160x120:rate=25:duration=0.4';
const tone = 'sine=frequency=440:duration=0.4';

processorContract({
  kind: 'video',
  settings: { heights: [120, 60] },
  good: { key: 'clips/launch.mov', write: (file) => make(file, ...lavfi(picture, tone), '-c:a', 'aac', '-f', 'mov') },
  bad: [
    { because: 'sound alone', key: 'song.mp4', write: (file) => make(file, ...lavfi(tone), '-f', 'wav') },
    {
      because: 'a playlist',
      key: 'playlist.mp4',
      write: (file) => writeFile(file, '#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n'),
    },
  ],
});
