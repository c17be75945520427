/**
 * Makes assets/sandbox-clips, which the tests' sandbox delivers: every size of CLIP_SIZES in both lengths,
 * a moving bar in real H.264, exactly 24 fps, without sound.
 *
 * Needs ffmpeg with libx264 on the PATH. Run from the project's folder: node scripts/make-sandbox-clips.mjs
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FRAMES_OF_SECONDS, PROVIDER_FPS } from '../src/jimeng/modes.ts';
import { CLIP_SIZES } from '../src/sandbox/check-image.ts';

const folder = fileURLToPath(new URL('../assets/sandbox-clips/', import.meta.url));

/**
 * From left to right in 10 s, so that a person sees where a cut was made. Small, slow and in whole macroblocks of 16:
 * a tall bar on its way there and back in 5 s took twice the bytes (746 kB).
 */
function movingBar(width, height, fps) {
  const barHeight = 16 * Math.round(height / 8 / 16);
  const x = `16*floor((W-w)/16*mod(n\\,${10 * fps})/${10 * fps})`;
  return [
    `color=c=0x1d3557:s=${width}x${height}:r=${fps}[ground]`,
    `color=c=0xf1c453:s=32x${barHeight}:r=${fps}[bar]`,
    `[ground][bar]overlay=x=${x}:y=16*floor((H-h)/32):format=yuv420,format=yuv420p`,
  ].join(';');
}

function makeClip(width, height, frames, fps) {
  const colours = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'];
  // One thread and bit-exact, so that another run makes the same bytes; SEI (type 6) is x264's 700 bytes of settings.
  execFileSync('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-y', '-filter_complex', movingBar(width, height, fps)],
    ...['-frames:v', String(frames), '-an', '-c:v', 'libx264', '-preset', 'medium', '-crf', '45'],
    ...[
      '-profile:v',
      'high',
      '-pix_fmt',
      'yuv420p',
      ...colours,
      '-threads',
      '1',
      '-bsf:v',
      'filter_units=remove_types=6',
    ],
    ...['-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-video_track_timescale', '12288'],
    ...['-movflags', '+faststart', `${folder}${width}x${height}-${frames}.mp4`],
  ]);
}

mkdirSync(folder, { recursive: true });
for (const row of Object.values(CLIP_SIZES)) {
  for (const [width, height] of Object.values(row)) {
    for (const frames of Object.values(FRAMES_OF_SECONDS)) makeClip(width, height, frames, PROVIDER_FPS);
  }
}
const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(folder + name).size, 0);
process.stdout.write(`${readdirSync(folder).length} clips, ${bytes} bytes\n`);
