/** The first frame of a video, which plays while somebody looks at it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { VideoFile } from '../../api.ts';
import { useWords } from '../words/choose.ts';

interface StillProps {
  readonly file: VideoFile;
  readonly isPlaying: boolean;
}

/** Safari shows no frame of a video that was not moved to a time. */
const FIRST_FRAME = '#t=0.001';
/** What is scrolled past faster needs no player: making one takes longer than a frame. */
const SETTLED_MILLISECONDS = 120;

export function Still({ file, isPlaying }: StillProps) {
  const words = useWords();
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<'waiting' | 'loading' | 'ready' | 'missing'>(
    file.isMissing ? 'missing' : 'waiting',
  );
  useEffect(() => {
    const timer = setTimeout(
      () => setState((before) => (before === 'waiting' ? 'loading' : before)),
      SETTLED_MILLISECONDS,
    );
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    if (isPlaying) {
      // Refused where the browser saves data or power.
      element.play().catch(() => undefined);
    } else if (!element.paused) {
      element.pause();
      element.currentTime = 0;
    }
  }, [isPlaying, state === 'waiting']);
  // A player that is removed lets go of its connection only when it has no source.
  const isMade = state === 'loading' || state === 'ready';
  useEffect(() => {
    const element = video.current;
    return () => {
      element?.removeAttribute('src');
      element?.load();
    };
  }, [isMade]);
  if (state === 'waiting') return null;
  if (state === 'missing') return <p class="placeholder">{words.fileMissing}</p>;
  return (
    <video
      ref={video}
      class={state}
      src={`${file.source}${FIRST_FRAME}`}
      preload="metadata"
      tabIndex={-1}
      aria-hidden="true"
      muted
      loop
      playsInline
      disablePictureInPicture
      onLoadedData={() => setState('ready')}
      onError={(event) => {
        if (event.currentTarget.hasAttribute('src')) setState('missing');
      }}
    />
  );
}
