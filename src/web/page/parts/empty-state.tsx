/** What is shown where there is no video: what to do about it. */
import { imperative, problemWords } from '../phrase.ts';
import type { RequestError } from '../request.ts';
import { useWords } from '../words/choose.ts';
import { CommandLine } from './copy-button.tsx';

interface EmptyStateProps {
  readonly program: string | undefined;
  /** Undefined: nothing is filtered, so nothing was made yet. */
  readonly onClear: (() => void) | undefined;
}

export function EmptyState({ program, onClear }: EmptyStateProps) {
  const words = useWords();
  if (onClear !== undefined) {
    return (
      <div class="empty">
        <h2>{words.noMatch}</h2>
        <p>{words.noMatchHint}</p>
        <button type="button" onClick={onClear}>
          {words.clearFilters}
        </button>
      </div>
    );
  }
  return (
    <div class="empty">
      <img src="icon.svg" alt="" width="72" height="72" />
      <h2>{words.none}</h2>
      <p>{program === undefined ? words.noneHintElsewhere : words.noneHint}</p>
      {program !== undefined && <CommandLine command={`${program} ${words.noneExample}`} />}
    </div>
  );
}

export function FailedState({ error, onAgain }: { readonly error: RequestError; readonly onAgain: () => void }) {
  const words = useWords();
  const [what, hint] = error.notice === undefined ? [undefined, undefined] : problemWords(words, error.notice);
  return (
    <div class="empty" role="alert">
      <h2>{words.failedToLoad}</h2>
      {what !== undefined && <p>{what}</p>}
      {hint !== undefined && <p>{imperative(words, hint)}</p>}
      <button type="button" onClick={onAgain}>
        {words.tryAgain}
      </button>
    </div>
  );
}
