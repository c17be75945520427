/** The films, read again with each change. */
import { useEffect, useState } from 'preact/hooks';
import type { FilmItem, FilmList } from '../api.ts';
import { read } from './request.ts';

/** @param changes grows with each change */
export function useFilms(changes: number): readonly FilmItem[] {
  const [films, setFilms] = useState<readonly FilmItem[]>([]);
  useEffect(() => {
    const over = new AbortController();
    read<FilmList>('api/films', over.signal).then(
      ({ items }) => setFilms(items),
      // What was shown stays.
      () => undefined,
    );
    return () => over.abort();
  }, [changes]);
  return films;
}
