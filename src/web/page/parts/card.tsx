/** One video in the grid. */
import type { VideoItem } from '../../api.ts';
import { moment, money } from '../format.ts';
import { happened, progressOf, timeLine } from '../phrase.ts';
import { useWords } from '../words/choose.ts';
import { Progress, StatusBadge } from './status.tsx';
import { Length, Still, usePlaying } from './video.tsx';

interface CardProps {
  readonly item: VideoItem;
  readonly now: number;
  readonly onOpen: () => void;
}

export function Card({ item, now, onOpen }: CardProps) {
  const words = useWords();
  const { request, file, status } = item;
  const { isPlaying, setIsPlaying, watched } = usePlaying();
  const isSent = status === 'submitting' || status === 'generating';
  /** A finger has no hover: its first tap on the picture plays it, the second opens it. */
  const press = (event: PointerEvent | MouseEvent) => {
    const isFinger = 'pointerType' in event && event.pointerType === 'touch';
    const isOnPicture = event.target instanceof Element && event.target.closest('.picture') !== null;
    if (isFinger && isOnPicture && file !== undefined && !isPlaying) setIsPlaying(true);
    else onOpen();
  };
  return (
    <button type="button" class={`card ${status}`} onClick={press} {...watched}>
      <span class={`picture ${shapeOf(item)}`}>
        {file === undefined ? <Placeholder {...{ item, now }} /> : <Still key={file.source} {...{ file, isPlaying }} />}
        {status !== 'done' && <StatusBadge status={status} />}
        <Length file={file} />
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
