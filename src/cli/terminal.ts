/** Writes results to stdout, and everything else to stderr. */
import { clearLine, cursorTo } from 'node:readline';
import { createInterface } from 'node:readline/promises';

/** A terminal whose width is not known has at least this one. */
const COLUMNS = 80;

export interface Terminal {
  /** A result. Resolves when it is written, or nobody reads it any more. */
  print(text: string): Promise<void>;
  /** A sentence for a person. */
  say(text: string): void;
  /** stderr is a terminal, so that a line can be rewritten. */
  readonly isWatched: boolean;
  /** Rewrites the one line of progress; nothing where nobody looks. */
  showProgress(text: string): void;
  clearProgress(): void;
  /** @returns what a person typed, nothing when the signal is aborted; undefined where nobody can be asked */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
}

export function openTerminal(): Terminal {
  const { stdout, stderr } = process;
  // `| head` and a window that was closed are no errors: the task goes on, and its record is on disk.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  let shown = '';

  const clearProgress = () => {
    if (shown === '') return;
    shown = '';
    cursorTo(stderr, 0);
    clearLine(stderr, 0);
  };

  return {
    isWatched: stderr.isTTY === true,
    print: (text) => {
      clearProgress();
      return new Promise((resolve) => {
        stdout.write(`${text}\n`, () => resolve());
      });
    },
    say(text) {
      clearProgress();
      stderr.write(`${text}\n`);
    },
    showProgress(text) {
      // A line that wraps could not be rewritten.
      const line = text.slice(0, (stderr.columns || COLUMNS) - 1);
      if (stderr.isTTY !== true || line === shown) return;
      clearProgress();
      shown = line;
      stderr.write(line);
    },
    clearProgress,
    async ask(question, signal) {
      if (process.stdin.isTTY !== true || stderr.isTTY !== true) return undefined;
      clearProgress();
      const lines = createInterface({ input: process.stdin, output: stderr });
      try {
        return await lines.question(question, { signal });
      } catch {
        return '';
      } finally {
        lines.close();
      }
    },
  };
}
