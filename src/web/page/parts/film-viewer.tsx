/** One film at full size, with its shots and their takes. */
import type { FilmDetail, FilmItem, FilmShotItem } from '../../api.ts';
import { money, wholeMoment } from '../format.ts';
import { happened, imperative, problemWords, timeLine } from '../phrase.ts';
import { useReading } from '../reading.ts';
import { useWords } from '../words/choose.ts';
import { FilmActions } from './actions.tsx';
import { CommandLine } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';
import { FactList, lengthOf, sizeOf } from './facts.tsx';
import { Progress, StatusBadge } from './status.tsx';
import { Take } from './takes.tsx';
import { Player, Still } from './video.tsx';
import type { ViewerProps } from './viewer.tsx';

interface FilmViewerProps extends ViewerProps {
  /** Those that the arrows lead to. */
  readonly films: readonly FilmItem[];
  /** Shows the videos of its shots in the list. */
  readonly onShots: (id: string) => void;
}

export function FilmViewer({ id, films, overview, now, changes, onGo, onChanged, onShots }: FilmViewerProps) {
  const words = useWords();
  const { answer: detail, error } = useReading<FilmDetail>(`api/films/${encodeURIComponent(id)}`, changes);
  const item = detail?.item ?? films.find((film) => film.id === id);
  return (
    <Dialog label={item?.title ?? words.films.untitled} among={films} {...{ id, onGo }}>
      {item === undefined ? (
        <p class="nothing">{error === undefined ? words.loading : words.films.notFound}</p>
      ) : (
        <>
          <FilmScreen item={item} />
          <section class="about">
            <p class="prompt">{item.title ?? words.films.untitled}</p>
            {detail !== undefined && (
              <>
                <FilmState {...{ detail, program: overview?.command }} />
                <FilmActions {...{ detail, isHere: overview?.isHere ?? false, token: overview?.token, onChanged }} />
                <Shots {...{ shots: detail.shots, now, onGo }} />
                <button type="button" class="quiet" onClick={() => onShots(id)}>
                  {words.films.showShots}
                </button>
              </>
            )}
            <FilmFacts item={item} notes={detail?.notes ?? []} />
          </section>
        </>
      )}
    </Dialog>
  );
}

function FilmScreen({ item }: { readonly item: FilmItem }) {
  const words = useWords();
  const { file, still, savedShots, shots, status } = item;
  if (file !== undefined && !file.isMissing) return <Player file={file} />;
  if (still !== undefined && file === undefined) return <Player file={still} />;
  return (
    <div class="screen empty-screen">
      <p>{file?.isMissing ? words.fileMissing : words.films.shots(savedShots, shots)}</p>
      {status === 'running' && <Progress share={savedShots / shots} />}
    </div>
  );
}

function FilmState({ detail, program }: { readonly detail: FilmDetail; readonly program: string | undefined }) {
  const words = useWords();
  const { item, shots } = detail;
  if (item.status === 'done' && !item.file?.isMissing) return null;
  const lost = shots.find(({ state }) => state === 'lost');
  const [what, hint] = item.error === undefined ? [] : problemWords(words, item.error);
  return (
    <div class="state">
      <p>
        <span class={`badge ${item.status}`}>{words.films.statuses[item.status]}</span>
        <span class="time">{words.films.shots(item.savedShots, item.shots)}</span>
      </p>
      {item.file?.isMissing && <p>{words.fileMissing}</p>}
      {what !== undefined && <p>{what}</p>}
      {hint !== undefined && <p class="advice">{imperative(words, hint)}</p>}
      {lost !== undefined && (
        <>
          <p class="advice">
            {words.films.needsRetake(lost.shot)}
            {program !== undefined && ` ${words.films.orRun}`}
          </p>
          {program !== undefined && <CommandLine command={`${program} retake ${item.id} ${lost.shot}`} />}
        </>
      )}
      {item.status === 'running' && <p class="advice">{words.updatesItself}</p>}
    </div>
  );
}

interface ShotsProps {
  readonly shots: readonly FilmShotItem[];
  readonly now: number;
  readonly onGo: (id: string) => void;
}

function Shots({ shots, now, onGo }: ShotsProps) {
  const words = useWords();
  return (
    <div class="shots">
      <h2>{words.films.shotsHeading}</h2>
      <ol>
        {shots.map((shot) => (
          <li key={shot.shot}>
            <Shot {...{ shot, now, onGo }} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Shot({ shot, now, onGo }: { readonly shot: FilmShotItem } & Omit<ShotsProps, 'shots'>) {
  const words = useWords();
  const { item, otherTakes, state } = shot;
  const isOpen = state === 'open';
  return (
    <>
      <button type="button" class="shot" onClick={() => onGo(item.id)}>
        <span class="picture wide">
          {item.file === undefined ? (
            <span class={`placeholder ${isOpen ? 'moving' : ''}`} />
          ) : (
            <Still key={item.file.source} file={item.file} isPlaying={false} />
          )}
        </span>
        <span class="what">
          <span class="number">{words.films.shot(shot.shot)}</span>
          {state !== 'saved' && <StatusBadge status={item.status} />}
          <span class="prompt">{item.request.prompt ?? words.untitled}</span>
          {state !== 'saved' && (
            <span class="faint">
              {state === 'stuck' ? words.films.behind : isOpen ? timeLine(words, item, now) : happened(words, item)[0]}
            </span>
          )}
          {shot.continues && <span class="faint">{words.films.continues}</span>}
        </span>
      </button>
      {otherTakes.length > 0 && (
        <details>
          <summary>{words.films.otherTakes(otherTakes.length)}</summary>
          <div class="other-takes">
            {otherTakes.map((take) => (
              <Take key={take.id} take={take} onGo={onGo} />
            ))}
          </div>
        </details>
      )}
    </>
  );
}

function FilmFacts({ item, notes }: { readonly item: FilmItem; readonly notes: readonly string[] }) {
  const words = useWords();
  const { facts } = words;
  const { file } = item;
  return (
    <FactList
      rows={[
        [facts.state, words.films.statuses[item.status]],
        [facts.person, item.person],
        [facts.length, lengthOf(words, file?.facts)],
        [facts.size, sizeOf(words, file)],
        [facts.cost, item.sandbox ? words.charges.none : money(words, item.fen)],
        [facts.requested, wholeMoment(words, item.reservedAt)],
        [facts.path, file?.path, true],
        [words.films.id, item.id, true],
        [facts.notes, notes.length === 0 ? undefined : notes.join('; ')],
      ]}
    />
  );
}
