/** One video at full size, with all that is known of it. */
import type { Overview, VideoDetail, VideoItem } from '../../api.ts';
import { adviceOf, happened, progressOf, timeLine } from '../phrase.ts';
import { useReading } from '../reading.ts';
import { useWords } from '../words/choose.ts';
import { VideoActions } from './actions.tsx';
import { CommandLine } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';
import { Facts } from './facts.tsx';
import { Progress, StatusBadge } from './status.tsx';
import { Takes } from './takes.tsx';
import { Player } from './video.tsx';

export interface ViewerProps {
  readonly id: string;
  readonly overview: Overview | undefined;
  readonly now: number;
  /** Grows with each change: read again. */
  readonly changes: number;
  /** @param id '' closes */
  readonly onGo: (id: string) => void;
  readonly onChanged: () => void;
}

/** @param items those that the arrows lead to */
export function Viewer({ id, items, ...props }: ViewerProps & { readonly items: readonly VideoItem[] }) {
  const words = useWords();
  const { overview, now, changes, onGo, onChanged } = props;
  const { answer: detail, error } = useReading<VideoDetail>(`api/videos/${encodeURIComponent(id)}`, changes);
  const item = detail?.item ?? items.find((shown) => shown.id === id);
  const program = overview?.command;
  return (
    <Dialog label={item?.request.prompt ?? words.untitled} among={items} {...{ id, onGo }}>
      {item === undefined ? (
        <p class="nothing">{error === undefined ? words.loading : words.notFound}</p>
      ) : (
        <>
          <Screen {...{ item, now }} />
          <section class="about">
            <p class="prompt">{item.request.prompt ?? words.noPrompt}</p>
            <State {...{ item, now, program }} />
            <VideoActions {...{ item, isHere: overview?.isHere ?? false, token: overview?.token, onChanged }} />
            <Facts item={item} />
            <Takes heading={words.takes} takes={detail?.takes ?? []} onGo={onGo} />
          </section>
        </>
      )}
    </Dialog>
  );
}

interface ScreenProps {
  readonly item: VideoItem;
  readonly now: number;
}

function Screen({ item, now }: ScreenProps) {
  const words = useWords();
  const { file } = item;
  if (file !== undefined && !file.isMissing) return <Player file={file} />;
  return (
    <div class="screen empty-screen">
      <p>{file?.isMissing ? words.fileMissing : happened(words, item)[0]}</p>
      {item.status === 'generating' && <Progress share={progressOf(item, now)} />}
    </div>
  );
}

/** What happened, and what to do. */
function State({ item, now, program }: ScreenProps & { readonly program: string | undefined }) {
  const words = useWords();
  const isMissing = item.file?.isMissing ?? false;
  const isSent = ['submitting', 'generating'].includes(item.status);
  const lines = isMissing ? [words.fileMissing] : happened(words, item);
  const advice = adviceOf(words, item, program, isMissing);
  if (item.status === 'done' && lines.length === 0 && advice === undefined) return null;
  return (
    <div class={`state ${item.status}`}>
      <p>
        <StatusBadge status={item.status} />
        {isSent && <span class="time">{timeLine(words, item, now)}</span>}
      </p>
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {advice !== undefined && <p class="advice">{advice.sentences.join(' ')}</p>}
      {advice?.command !== undefined && <CommandLine command={advice.command} />}
    </div>
  );
}
