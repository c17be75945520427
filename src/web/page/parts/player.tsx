/** A file at full size. */
import type { VideoFile } from '../../api.ts';

export function Player({ file }: { readonly file: VideoFile }) {
  const isMotionReduced = matchMedia('(prefers-reduced-motion: reduce)').matches;
  return (
    <div class="screen">
      {/* biome-ignore lint/a11y/useMediaCaption: videos are silent; a film's sound is its user's own file, whose words nobody here knows. */}
      <video key={file.source} src={file.source} controls loop playsInline autoplay={!isMotionReduced} />
    </div>
  );
}
