/** Search, filters, sums and the language. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { MODE_NAMES } from '../../../jimeng/modes.ts';
import { type FilmItem, type Overview, STATES, type StateName } from '../../api.ts';
import { type Filter, isFiltered, NO_FILTER } from '../address.ts';
import { money } from '../format.ts';
import type { Listing } from '../listing.ts';
import { useWords } from '../words/choose.ts';
import { Icon } from './icons.tsx';

/** A search runs when typing pauses for so long. */
const TYPING_MILLISECONDS = 200;

interface HeaderProps {
  readonly overview: Overview | undefined;
  readonly place: Filter;
  readonly listing: Listing;
  /** None: no choice of films is offered. */
  readonly films: readonly FilmItem[];
  readonly onFilter: (changes: Partial<Filter>) => void;
  readonly onLanguage: () => void;
}

export function Header({ overview, place, listing, films, onFilter, onLanguage }: HeaderProps) {
  const words = useWords();
  const { name, lang, label } = words.otherLanguage;
  return (
    <header>
      <div class="bar">
        <h1>
          <img src="icon.svg" alt="" width="28" height="28" />
          {words.title}
        </h1>
        <Search text={place.text} onText={(text) => onFilter({ text })} />
        <button type="button" class="quiet language" lang={lang} aria-label={label} onClick={onLanguage}>
          {name}
        </button>
      </div>
      <fieldset class="bar filters">
        <legend class="unseen">{words.filters}</legend>
        <StateTabs {...{ overview, chosen: place.state, onChoose: (state) => onFilter({ state }) }} />
        <ModeChoice mode={place.mode} onMode={(mode) => onFilter({ mode })} />
        {(films.length > 0 || place.film !== '') && (
          <FilmChoice {...{ films, film: place.film, onFilm: (film) => onFilter({ film }) }} />
        )}
        {isFiltered(place) && (
          <button type="button" class="quiet" onClick={() => onFilter(NO_FILTER)}>
            {words.clearFilters}
          </button>
        )}
      </fieldset>
      <div class="bar below">
        <p class="found" role="status">
          {listing.isLoading && listing.items.length === 0
            ? words.loading
            : words.found(
                listing.total ?? listing.items.length,
                listing.total !== undefined || listing.next === undefined,
              )}
        </p>
        {overview !== undefined && <Sums overview={overview} />}
      </div>
    </header>
  );
}

function Search({ text, onText }: { readonly text: string; readonly onText: (text: string) => void }) {
  const words = useWords();
  const [typed, setTyped] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  const searched = useRef(text);
  useEffect(() => {
    // Not a search of ours: more may have been typed since.
    if (text !== searched.current) setTyped(text);
    searched.current = text;
  }, [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => {
      searched.current = typed;
      onText(typed);
    }, TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    const focusSearch = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
      if (event.key !== '/' || isTyping || document.querySelector('dialog[open]') !== null) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', focusSearch);
    return () => removeEventListener('keydown', focusSearch);
  }, []);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="unseen">{words.search}</span>
      <input
        ref={input}
        type="search"
        placeholder={words.searchHint}
        value={typed}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </label>
  );
}

interface StateTabsProps {
  readonly overview: Overview | undefined;
  readonly chosen: StateName | '';
  readonly onChoose: (state: StateName | '') => void;
}

function StateTabs({ overview, chosen, onChoose }: StateTabsProps) {
  const words = useWords();
  const counts = overview?.counts ?? {};
  const countOf = (statuses: readonly string[]) => statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  const names = ['all', ...Object.keys(STATES)] as const as readonly (StateName | 'all')[];
  return (
    <>
      {names.map((name) => {
        const value = name === 'all' ? '' : name;
        const count = name === 'all' ? undefined : countOf(STATES[name]);
        return (
          <button
            key={name}
            type="button"
            class={`tab ${name}`}
            aria-pressed={chosen === value}
            onClick={() => onChoose(value)}
          >
            {words.states[name]}
            {count !== undefined && count > 0 && <span class="count">{count.toLocaleString(words.locale)}</span>}
          </button>
        );
      })}
    </>
  );
}

function ModeChoice({ mode, onMode }: { readonly mode: string; readonly onMode: (mode: string) => void }) {
  const words = useWords();
  return (
    <label class="choice">
      <span class="unseen">{words.mode}</span>
      <select value={mode} onChange={(event) => onMode(event.currentTarget.value)}>
        <option value="">{words.allModes}</option>
        {MODE_NAMES.map((name) => (
          <option key={name} value={name}>
            {words.modes[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

interface FilmChoiceProps {
  readonly films: readonly FilmItem[];
  readonly film: string;
  readonly onFilm: (film: string) => void;
}

function FilmChoice({ films, film, onFilm }: FilmChoiceProps) {
  const words = useWords();
  const isListed = film === '' || films.some(({ id }) => id === film);
  return (
    <label class="choice">
      <span class="unseen">{words.films.film}</span>
      <select value={film} onChange={(event) => onFilm(event.currentTarget.value)}>
        <option value="">{words.films.all}</option>
        {!isListed && <option value={film}>{film}</option>}
        {films.map(({ id, title }) => (
          <option key={id} value={id}>
            {title ?? id}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What was spent. */
function Sums({ overview }: { readonly overview: Overview }) {
  const words = useWords();
  const { spending, sandbox, isAccountKnown } = overview;
  if (sandbox) return <p class="sandbox">{words.sandbox}</p>;
  if (!isAccountKnown) return null;
  const { last24hFen, allTimeFen, pendingFen, budget } = spending;
  return (
    <dl class="sums">
      <Sum name={words.spent24h} amount={money(words, last24hFen)} />
      <Sum name={words.spentAll} amount={money(words, allTimeFen)} />
      {pendingFen > 0 && <Sum name={words.pending} amount={money(words, pendingFen)} />}
      {budget !== undefined && (
        <div>
          <dt class="unseen">{words.budgetLeft('', '')}</dt>
          <dd>{words.budgetLeft(money(words, budget.leftFen), money(words, budget.fen))}</dd>
        </div>
      )}
    </dl>
  );
}

function Sum({ name, amount }: { readonly name: string; readonly amount: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{amount}</dd>
    </div>
  );
}
