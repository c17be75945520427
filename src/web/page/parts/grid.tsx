/** Thousands of videos: only the rows near the window are in the page. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { VideoItem } from '../../api.ts';
import type { Listing } from '../listing.ts';
import { useWords } from '../words/choose.ts';
import { Card } from './card.tsx';

const MIN_COLUMN_REM = 16;
const GAP_REM = 1.25;
/** Below the picture: two lines of prompt and one of facts. */
const CAPTION_REM = 5.6;
/** Beyond the window's edges. */
const SPARE_ROWS = 2;
/** The next page is loaded when so many rows are left. */
const ROWS_AHEAD = 6;

interface Layout {
  readonly columns: number;
  /** With the gap below it. */
  readonly rowHeight: number;
  readonly gap: number;
  /** Rows that are in the page. */
  readonly from: number;
  readonly to: number;
}

function measure(list: HTMLElement): Layout {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  const { top, width } = list.getBoundingClientRect();
  const gap = GAP_REM * rem;
  const columns = Math.max(1, Math.floor((width + gap) / (MIN_COLUMN_REM * rem + gap)));
  const columnWidth = (width - (columns - 1) * gap) / columns;
  const rowHeight = (columnWidth * 9) / 16 + CAPTION_REM * rem + gap;
  const from = Math.max(0, Math.floor(-top / rowHeight) - SPARE_ROWS);
  const to = Math.max(from + 1, Math.ceil((innerHeight - top) / rowHeight) + SPARE_ROWS);
  return { columns, rowHeight, gap, from, to };
}

/** @param first read again when it changes: what is above the list may have grown */
function useLayout(first: unknown) {
  const list = useRef<HTMLUListElement>(null);
  const [layout, setLayout] = useState<Layout>({ columns: 1, rowHeight: 240, gap: 20, from: 0, to: 4 });
  const update = () => {
    if (list.current === null) return;
    const measured = measure(list.current);
    setLayout((before) =>
      (['columns', 'rowHeight', 'from', 'to'] as const).every((name) => before[name] === measured[name])
        ? before
        : measured,
    );
  };
  useLayoutEffect(update, [first]);
  useEffect(() => {
    let frame = 0;
    const later = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(update);
    };
    const sizes = new ResizeObserver(later);
    sizes.observe(document.body);
    addEventListener('scroll', later, { passive: true });
    addEventListener('resize', later);
    return () => {
      cancelAnimationFrame(frame);
      sizes.disconnect();
      removeEventListener('scroll', later);
      removeEventListener('resize', later);
    };
  }, []);
  return [list, layout] as const;
}

interface GridProps {
  readonly listing: Listing;
  readonly now: number;
  readonly onMore: () => void;
  readonly onOpen: (id: string) => void;
}

export function Grid({ listing, now, onMore, onOpen }: GridProps) {
  const words = useWords();
  const { items, next, isLoading, total } = listing;
  const [list, { columns, rowHeight, gap, from, to }] = useLayout(items.length);
  const rows = Math.ceil(items.length / columns);
  const shown: readonly VideoItem[] = items.slice(from * columns, to * columns);
  const isEndNear = next !== undefined && !isLoading && to + ROWS_AHEAD >= rows;
  useEffect(() => {
    if (isEndNear) onMore();
  }, [isEndNear, items.length]);
  const style = {
    gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
    gridAutoRows: `${rowHeight - gap}px`,
    paddingTop: `${Math.min(from, rows) * rowHeight}px`,
    paddingBottom: `${Math.max(0, rows - to) * rowHeight}px`,
  };
  return (
    <>
      <ul ref={list} class="grid" aria-label={words.videos} aria-busy={isLoading} style={style}>
        {shown.map((item, index) => (
          <li key={item.id} aria-setsize={total ?? -1} aria-posinset={from * columns + index + 1}>
            <Card {...{ item, now }} onOpen={() => onOpen(item.id)} />
          </li>
        ))}
      </ul>
      {next !== undefined && (
        <p class="more">
          <button type="button" class="quiet" disabled={isLoading} onClick={onMore}>
            {isLoading ? words.loading : words.loadMore}
          </button>
        </p>
      )}
    </>
  );
}
