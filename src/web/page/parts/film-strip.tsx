/** The films, in a row above the videos. */
import type { FilmItem } from '../../api.ts';
import { moment, money } from '../format.ts';
import { useWords } from '../words/choose.ts';
import { Progress } from './status.tsx';
import { Length, Still, usePlaying } from './video.tsx';

interface FilmStripProps {
  /** Newest first. */
  readonly films: readonly FilmItem[];
  readonly now: number;
  readonly onOpen: (id: string) => void;
}

export function FilmStrip({ films, now, onOpen }: FilmStripProps) {
  const words = useWords();
  return (
    <section class="films">
      <h2>{words.films.heading}</h2>
      <ul>
        {films.map((film) => (
          <li key={film.id}>
            <FilmCard {...{ film, now, onOpen }} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function FilmCard({ film, now, onOpen }: { readonly film: FilmItem } & Omit<FilmStripProps, 'films'>) {
  const words = useWords();
  const { isPlaying, watched } = usePlaying();
  const shown = film.file ?? film.still;
  const { shots, savedShots, status } = film;
  return (
    <button type="button" class="card film" onClick={() => onOpen(film.id)} {...watched}>
      <span class="picture wide">
        {shown === undefined ? (
          <span class="placeholder moving" />
        ) : (
          <Still key={shown.source} file={shown} isPlaying={isPlaying} />
        )}
        {status !== 'done' && <span class={`badge ${status}`}>{words.films.statuses[status]}</span>}
        <Length file={film.file} />
      </span>
      <span class="prompt">{film.title ?? words.films.untitled}</span>
      {status === 'running' && <Progress share={savedShots / shots} />}
      <span class="line">
        <span>
          {words.films.shots(savedShots, shots)} · {moment(words, film.reservedAt, now)}
        </span>
        {film.fen > 0 && <span>{money(words, film.fen)}</span>}
      </span>
    </button>
  );
}
