/** A video in the page: its first frame, which plays while the mouse or the focus is on it, or a player at full size. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { VideoFile } from '../../api.ts';
import { clockTime } from '../format.ts';
import { useWords } from '../words/choose.ts';
import { Icon } from './icons.tsx';

const isMotionReduced = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Plays while a mouse or the keyboard is on an element. @returns `watched` are the element's properties */
export function usePlaying() {
  const [isPlaying, setIsPlaying] = useState(false);
  const start = () => setIsPlaying(!isMotionReduced());
  const watched = {
    onPointerEnter: (event: PointerEvent) => event.pointerType !== 'touch' && start(),
    onPointerLeave: (event: PointerEvent) => event.pointerType !== 'touch' && setIsPlaying(false),
    onFocus: (event: FocusEvent) =>
      event.currentTarget instanceof Element && event.currentTarget.matches(':focus-visible') && start(),
    onBlur: () => setIsPlaying(false),
  };
  return { isPlaying, setIsPlaying, watched };
}

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

/** How long it is, over its picture. */
export function Length({ file }: { readonly file: VideoFile | undefined }) {
  if (file?.facts === undefined) return null;
  return (
    <span class="length">
      <Icon name="play" />
      {clockTime(file.facts.durationSeconds)}
    </span>
  );
}

export function Player({ file }: { readonly file: VideoFile }) {
  return (
    <div class="screen">
      {/* biome-ignore lint/a11y/useMediaCaption: videos are silent; a film's sound is its user's own file, whose words nobody here knows. */}
      <video key={file.source} src={file.source} controls loop playsInline autoplay={!isMotionReduced()} />
    </div>
  );
}
