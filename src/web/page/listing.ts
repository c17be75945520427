/** The videos that match the filter: page after page, and kept up to date. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { VideoItem, VideoPage } from '../api.ts';
import type { Filter } from './address.ts';
import { RequestError, read } from './request.ts';

/** Of one request by ids. */
const MAX_IDS = 200;

export interface Listing {
  readonly items: readonly VideoItem[];
  /** All that match; undefined: not known. */
  readonly total: number | undefined;
  /** The id that the next page comes after; undefined: all are here. */
  readonly next: string | undefined;
  /** The server's clock less this one's, milliseconds. */
  readonly offset: number;
  readonly isLoading: boolean;
  readonly error: RequestError | undefined;
}

const EMPTY: Listing = { items: [], total: undefined, next: undefined, offset: 0, isLoading: true, error: undefined };

function queryOf({ text, mode, state, film }: Filter): string {
  const given = Object.entries({ text, mode, state, film }).filter(([, value]) => value !== '');
  return `api/videos?${new URLSearchParams(given)}`;
}

/** Something may still happen to it. */
function isUnsettled({ status, file, next }: VideoItem): boolean {
  return (
    ['queued', 'submitting', 'generating', 'unknown'].includes(status) || (file === undefined && next.action === 'get')
  );
}

/** Replaces the beginning of what is shown by the newest page: what is no longer in it is removed, what follows it stays. */
export function withNewest(shown: Listing, page: VideoPage): Pick<Listing, 'items' | 'next'> {
  const last = page.items.at(-1);
  const at = last === undefined ? -1 : shown.items.findIndex(({ id }) => id === last.id);
  // More are new than a page holds, or all that match are in it.
  if (at < 0 || page.next === undefined) return { items: page.items, next: page.next };
  return { items: [...page.items, ...shown.items.slice(at + 1)], next: shown.next };
}

/** Replaces items by what was read of them again; those that no longer match are removed. */
export function withAgain(items: readonly VideoItem[], asked: readonly string[], found: readonly VideoItem[]) {
  const [isAsked, now] = [new Set(asked), new Map(found.map((item) => [item.id, item]))];
  return items.flatMap((item) => (isAsked.has(item.id) ? (now.get(item.id) ?? []) : item));
}

export function useListing(filter: Filter) {
  const [listing, setListing] = useState<Listing>(EMPTY);
  const shown = useRef(listing);
  shown.current = listing;
  const running = useRef<AbortController>(undefined);
  const isRefreshMissed = useRef(false);
  const query = queryOf(filter);

  /** One request at a time: a new one aborts the previous one. */
  const run = useCallback(async (work: (signal: AbortSignal) => Promise<Partial<Listing>>) => {
    running.current?.abort();
    const newest = new AbortController();
    running.current = newest;
    const { signal } = newest;
    try {
      const changes = await work(signal);
      if (!signal.aborted) setListing((before) => ({ ...before, isLoading: false, error: undefined, ...changes }));
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof RequestError ? error : new RequestError(0);
      setListing((before) => ({ ...before, isLoading: false, error: failure }));
    }
  }, []);

  const load = useCallback(async () => {
    await run(async (signal) => {
      const page = await read<VideoPage>(query, signal);
      return { items: page.items, total: page.total, next: page.next, offset: page.now - Date.now() };
    });
  }, [query]);

  useEffect(() => {
    setListing((before) => ({ ...before, isLoading: true }));
    void load();
    return () => running.current?.abort();
  }, [load]);

  const loadMore = useCallback(async () => {
    const { next, isLoading } = shown.current;
    if (next === undefined || isLoading) return;
    setListing((before) => ({ ...before, isLoading: true }));
    await run(async (signal) => {
      const page = await read<VideoPage>(`${query}&after=${next}`, signal);
      return { items: [...shown.current.items, ...page.items], next: page.next };
    });
  }, [query]);

  /** What is new, and what may have changed. */
  const refresh = useCallback(async () => {
    isRefreshMissed.current = shown.current.isLoading;
    if (isRefreshMissed.current) return;
    await run(async (signal) => {
      const page = await read<VideoPage>(query, signal);
      const { items, next } = withNewest(shown.current, page);
      const fresh = new Set(page.items.map(({ id }) => id));
      const ids = items.filter((item) => !fresh.has(item.id) && isUnsettled(item)).map(({ id }) => id);
      const known = { total: page.total, next, offset: page.now - Date.now() };
      if (ids.length === 0) return { ...known, items };
      const asked = ids.slice(0, MAX_IDS);
      const again = await read<VideoPage>(`${query}&ids=${asked}&limit=${MAX_IDS}`, signal);
      return { ...known, items: withAgain(items, asked, again.items) };
    });
  }, [query]);

  useEffect(() => {
    // What is loading may have been read before the change.
    if (!listing.isLoading && isRefreshMissed.current) void refresh();
  }, [listing.isLoading]);

  return { listing, load, loadMore, refresh };
}
