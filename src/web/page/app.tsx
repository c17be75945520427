/** The whole page: what is filtered, what is shown, and what is open. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { FilmItem, FilmList, Overview } from '../api.ts';
import { type Filter, isFiltered, NO_FILTER, usePlace } from './address.ts';
import { useListing } from './listing.ts';
import { useChanges, useNow } from './live.ts';
import { Announcer } from './parts/announcer.tsx';
import { EmptyState, FailedState } from './parts/empty-state.tsx';
import { FilmStrip } from './parts/film-strip.tsx';
import { FilmViewer } from './parts/film-viewer.tsx';
import { Grid } from './parts/grid.tsx';
import { Header } from './parts/header.tsx';
import { Notices } from './parts/notices.tsx';
import { Viewer } from './parts/viewer.tsx';
import { useReading } from './reading.ts';
import { initialLanguage, keepLanguage, LANGUAGES, type Language, WordsContext } from './words/choose.ts';
import { en } from './words/en.ts';

const NO_FILMS: readonly FilmItem[] = [];

export function App() {
  const [language, setLanguage] = useState<Language>(initialLanguage);
  const words = LANGUAGES[language] ?? en;
  const [place, go] = usePlace();
  const { listing, load, loadMore, refresh } = useListing(place);
  const [changes, setChanges] = useState(0);
  const connection = useChanges(() => {
    void refresh();
    setChanges((count) => count + 1);
  });
  const { answer: overview } = useReading<Overview>('api/overview', changes);
  const films = useReading<FilmList>('api/films', changes).answer?.items ?? NO_FILMS;
  const isRunning = listing.items.some(({ status }) => ['queued', 'submitting', 'generating'].includes(status));
  const now = useNow(listing.offset, isRunning);

  useEffect(() => {
    document.documentElement.lang = words.locale;
    document.title = `${words.title} · Jimeng`;
    keepLanguage(language);
  }, [language]);

  const changeFilter = useCallback((changed: Partial<Filter>) => go(changed), [go]);
  const isFilm = place.video.startsWith('jf-');
  const isEmpty = listing.items.length === 0 && !listing.isLoading;
  const open = { id: place.video, overview, now, changes, onChanged: refresh, onGo: (video: string) => go({ video }) };
  return (
    <WordsContext.Provider value={words}>
      <Announcer>
        <Header
          {...{ overview, place, onFilter: changeFilter, listing, films }}
          onLanguage={() => setLanguage(language === 'en' ? 'zh' : 'en')}
        />
        <main>
          <Notices {...{ overview, connection }} />
          {films.length > 0 && !isFiltered(place) && (
            <FilmStrip {...{ films, now }} onOpen={(video) => go({ video })} />
          )}
          {listing.error !== undefined && listing.items.length === 0 ? (
            <FailedState error={listing.error} onAgain={load} />
          ) : isEmpty ? (
            <EmptyState program={overview?.command} onClear={isFiltered(place) ? () => go(NO_FILTER) : undefined} />
          ) : (
            <Grid {...{ listing, now }} onMore={loadMore} onOpen={(video) => go({ video })} />
          )}
        </main>
        {place.video !== '' && !isFilm && <Viewer {...open} items={listing.items} />}
        {isFilm && <FilmViewer {...open} films={films} onShots={(film) => go({ ...NO_FILTER, film, video: '' })} />}
      </Announcer>
    </WordsContext.Provider>
  );
}
