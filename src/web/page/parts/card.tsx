/** One video in the grid. */
import { useState } from 'preact/hooks';
import type { VideoItem } from '../../api.ts';
import { clockTime, moment, money } from '../format.ts';
import { happened, progressOf, timeLine } from '../phrase.ts';
import { useWords } from '../words/choose.ts';
import { Icon } from './icons.tsx';
import { Progress } from './progress.tsx';
import { StatusBadge } from './status-badge.tsx';
import { Still } from './still.tsx';

interface CardProps {
  readonly item: VideoItem;
  readonly now: number;
  readonly onOpen: () => void;
}

const isMotionReduced = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

export function Card({ item, now, onOpen }: CardProps) {
  const words = useWords();
  const { request, file, status } = item;
  const [isPlaying, setIsPlaying] = useState(false);
  const look = () => setIsPlaying(!isMotionReduced());
  const isSent = status === 'submitting' || status === 'generating';
  /** A finger has no hover: its first tap on the picture plays it, the second opens it. */
  const press = (event: PointerEvent | MouseEvent) => {
    const isFinger = 'pointerType' in event && event.pointerType === 'touch';
    const isOnPicture = event.target instanceof Element && event.target.closest('.picture') !== null;
    if (isFinger && isOnPicture && file !== undefined && !isPlaying) setIsPlaying(true);
    else onOpen();
  };
  return (
    <button
      type="button"
      class={`card ${status}`}
      onClick={press}
      onPointerEnter={(event) => event.pointerType !== 'touch' && look()}
      onPointerLeave={(event) => event.pointerType !== 'touch' && setIsPlaying(false)}
      onFocus={(event) => event.currentTarget.matches(':focus-visible') && look()}
      onBlur={() => setIsPlaying(false)}
    >
      <span class={`picture ${shapeOf(item)}`}>
        {file === undefined ? <Placeholder {...{ item, now }} /> : <Still key={file.source} {...{ file, isPlaying }} />}
        {status !== 'done' && <StatusBadge status={status} />}
        {file?.facts !== undefined && (
          <span class="length">
            <Icon name="play" />
            {clockTime(file.facts.durationSeconds)}
          </span>
        )}
      </span>
      <span class={`prompt ${request.prompt === undefined ? 'faint' : ''}`}>{request.prompt ?? words.untitled}</span>
      <span class="line">
        <span>{isSent ? timeLine(words, item, now) : moment(words, item.reservedAt, now)}</span>
        {item.charge !== 'none' && !isSent && item.fen !== undefined && <span>{money(words, item.fen)}</span>}
      </span>
    </button>
  );
}

/** A picture that is about as wide as its frame fills it; any other is shown whole. */
function shapeOf({ file }: VideoItem): string {
  if (file?.facts === undefined) return '';
  const ratio = file.facts.width / file.facts.height;
  return ratio > 1.25 && ratio < 2.5 ? 'wide' : 'whole';
}

function Placeholder({ item, now }: { readonly item: VideoItem; readonly now: number }) {
  const words = useWords();
  const isOpen = item.status === 'queued' || item.status === 'submitting' || item.status === 'generating';
  const [what] = happened(words, item);
  return (
    <span class={`placeholder ${isOpen ? 'moving' : ''}`}>
      <span class="what">{what}</span>
      {item.status === 'generating' && <Progress share={progressOf(item, now)} />}
    </span>
  );
}
