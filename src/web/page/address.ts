/** The search, the filters and the open video, as the page's address holds them. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { STATES, type StateName } from '../api.ts';

export interface Place {
  readonly text: string;
  readonly mode: string;
  readonly state: StateName | '';
  /** The film whose shots are shown. */
  readonly film: string;
  /** The video, or the film, that is open. */
  readonly video: string;
}

export type Filter = Omit<Place, 'video'>;

const NAMES = { text: 'q', mode: 'mode', state: 'state', film: 'film', video: 'video' } as const;

export function placeOf(search: string): Place {
  const query = new URLSearchParams(search);
  const [text, mode, state, film, video] = Object.values(NAMES).map((name) => query.get(name) ?? '') as [
    string,
    string,
    string,
    string,
    string,
  ];
  return { text, mode, state: Object.hasOwn(STATES, state) ? (state as StateName) : '', film, video };
}

export function addressOf(place: Place): string {
  const query = new URLSearchParams();
  for (const [field, name] of Object.entries(NAMES)) {
    const value = place[field as keyof Place];
    if (value !== '') query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? './' : `./?${text}`;
}

export const NO_FILTER: Filter = { text: '', mode: '', state: '', film: '' };

export function isFiltered(filter: Filter): boolean {
  return Object.keys(NO_FILTER).some((name) => filter[name as keyof Filter] !== '');
}

/** @returns `go`: opening and closing a video are steps that the browser's back button undoes; typing is not */
export function usePlace(): readonly [Place, (changes: Partial<Place>) => void] {
  const [place, setPlace] = useState(() => placeOf(location.search));
  useEffect(() => {
    const follow = () => setPlace(placeOf(location.search));
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  const go = useCallback((changes: Partial<Place>) => {
    const before = placeOf(location.search);
    const after = { ...before, ...changes };
    const isStep = after.video !== '' && before.video === '';
    history[isStep ? 'pushState' : 'replaceState'](null, '', addressOf(after));
    setPlace(after);
  }, []);
  return [place, go];
}
