/** One video at full size, with all that is known of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Overview, VideoDetail, VideoItem } from '../../api.ts';
import { adviceOf, happened, progressOf, timeLine } from '../phrase.ts';
import { RequestError, read } from '../request.ts';
import { useWords } from '../words/choose.ts';
import { Actions } from './actions.tsx';
import { CommandLine } from './command-line.tsx';
import { Facts } from './facts.tsx';
import { Icon } from './icons.tsx';
import { StatusBadge } from './status-badge.tsx';
import { Still } from './still.tsx';

interface ViewerProps {
  readonly id: string;
  /** Those that the arrows lead to. */
  readonly items: readonly VideoItem[];
  readonly overview: Overview | undefined;
  readonly now: number;
  /** Grows with each change: read again. */
  readonly changes: number;
  /** @param id '' closes */
  readonly onGo: (id: string) => void;
  readonly onChanged: () => void;
}

export function Viewer({ id, items, overview, now, changes, onGo, onChanged }: ViewerProps) {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const [detail, setDetail] = useState<VideoDetail>();
  const [error, setError] = useState<RequestError>();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => {
    const over = new AbortController();
    const fail = (reason: unknown) =>
      over.signal.aborted || setError(reason instanceof RequestError ? reason : new RequestError(0));
    read<VideoDetail>(`/api/videos/${encodeURIComponent(id)}`, over.signal).then((found) => {
      setDetail(found);
      setError(undefined);
    }, fail);
    return () => over.abort();
  }, [id, changes]);
  const at = items.findIndex((item) => item.id === id);
  const known = detail?.item.id === id ? detail : undefined;
  const item = known?.item ?? items[at];
  const [previous, next] = [at > 0 ? items[at - 1] : undefined, at >= 0 ? items[at + 1] : undefined];
  const onKey = (event: KeyboardEvent) => {
    const isPlayer = event.target instanceof HTMLVideoElement;
    if (isPlayer || event.altKey || event.ctrlKey || event.metaKey) return;
    const towards = { ArrowLeft: previous, ArrowRight: next }[event.key];
    if (towards !== undefined) onGo(towards.id);
  };
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={item?.request.prompt ?? words.untitled}
      onClose={() => onGo('')}
      onKeyDown={onKey}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
    >
      <div class="inside">
        <nav class="steps">
          <StepButton icon="previous" label={words.previous} item={previous} onGo={onGo} />
          <StepButton icon="next" label={words.next} item={next} onGo={onGo} />
          <button
            type="button"
            class="quiet small"
            title={words.close}
            autofocus
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
            <span class="unseen">{words.close}</span>
          </button>
        </nav>
        {item === undefined ? (
          <p class="nothing">{error === undefined ? words.loading : words.notFound}</p>
        ) : (
          <>
            <Screen {...{ item, now }} />
            <section class="about">
              <p class="prompt">{item.request.prompt ?? words.noPrompt}</p>
              <State {...{ item, now, program: overview?.command ?? 'jimeng-video-mcp' }} />
              <Actions {...{ item, token: overview?.token, onChanged }} />
              <Facts item={item} />
              {known !== undefined && known.takes.length > 0 && <Takes takes={known.takes} onGo={onGo} />}
            </section>
          </>
        )}
      </div>
    </dialog>
  );
}

interface StepProps {
  readonly icon: 'previous' | 'next';
  readonly label: string;
  readonly item: VideoItem | undefined;
  readonly onGo: (id: string) => void;
}

/** Stays where it is at the ends: focus would be lost with it. */
function StepButton({ icon, label, item, onGo }: StepProps) {
  return (
    <button
      type="button"
      class="quiet small"
      title={label}
      aria-disabled={item === undefined}
      onClick={() => item !== undefined && onGo(item.id)}
    >
      <Icon name={icon} />
      <span class="unseen">{label}</span>
    </button>
  );
}

interface ScreenProps {
  readonly item: VideoItem;
  readonly now: number;
}

function Screen({ item, now }: ScreenProps) {
  const words = useWords();
  const { file } = item;
  if (file !== undefined && !file.isMissing) {
    const isMotionReduced = matchMedia('(prefers-reduced-motion: reduce)').matches;
    return (
      <div class="screen">
        <video key={file.source} src={file.source} controls loop muted playsInline autoplay={!isMotionReduced} />
      </div>
    );
  }
  const progress = progressOf(item, now);
  return (
    <div class="screen empty-screen">
      <p>{file?.isMissing ? words.fileMissing : happened(words, item)[0]}</p>
      {item.status === 'generating' && (
        <span class={`progress ${progress === undefined ? 'unknown' : ''}`}>
          <span style={{ width: `${Math.round((progress ?? 0.3) * 100)}%` }} />
        </span>
      )}
    </div>
  );
}

interface StateProps extends ScreenProps {
  readonly program: string;
}

/** What happened, and what to do. */
function State({ item, now, program }: StateProps) {
  const words = useWords();
  const isMissing = item.file?.isMissing ?? false;
  const isOpen = ['queued', 'submitting', 'generating'].includes(item.status);
  const lines = isMissing ? [words.fileMissing] : happened(words, item);
  const advice = isMissing
    ? { sentences: [words.toFetchAgain], command: `${program} get ${item.id}` }
    : adviceOf(words, item, program);
  if (item.status === 'done' && lines.length === 0 && advice === undefined) return null;
  return (
    <div class={`state ${item.status}`}>
      <p>
        <StatusBadge status={item.status} />
        {isOpen && <span class="time">{timeLine(words, item, now)}</span>}
      </p>
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {advice !== undefined && <p class="advice">{advice.sentences.join(' ')}</p>}
      {advice?.command !== undefined && <CommandLine command={advice.command} />}
    </div>
  );
}

function Takes({ takes, onGo }: { readonly takes: readonly VideoItem[]; readonly onGo: (id: string) => void }) {
  const words = useWords();
  return (
    <div class="takes">
      <h2>{words.takes}</h2>
      <ul>
        {takes.map((take) => (
          <li key={take.id}>
            <button type="button" class="take" onClick={() => onGo(take.id)}>
              <span class="picture whole">
                {take.file === undefined ? (
                  <StatusBadge status={take.status} />
                ) : (
                  <Still file={take.file} isPlaying={false} />
                )}
              </span>
              <span class="line">
                {take.request.seed === undefined ? take.id : `${words.facts.seed} ${take.request.seed}`}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
