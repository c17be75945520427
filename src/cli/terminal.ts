/** Writes results to stdout, and everything else to stderr. */
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** A terminal whose size is not known has at least this one. */
const [COLUMNS, ROWS] = [80, 24];

export interface Terminal {
  /** A result. Resolves when it is written, or its reader has closed stdout. */
  print(text: string): Promise<void>;
  /** A sentence for a person. */
  say(text: string): void;
  /** stderr is a terminal, so that a line can be rewritten. */
  readonly isWatched: boolean;
  /** Rewrites the lines of progress; does nothing where stderr is no terminal. */
  showProgress(text: string): void;
  clearProgress(): void;
  /** Questions can be asked: stdin and stderr are a terminal. */
  readonly canAsk: boolean;
  /**
   * @param isSecret what is typed is not shown
   * @returns what a person typed, nothing when the signal is aborted; undefined where no question can be asked, or after Ctrl-D
   */
  ask(question: string, signal: AbortSignal, isSecret?: boolean): Promise<string | undefined>;
}

export function openTerminal(): Terminal {
  const { stdout, stderr } = process;
  // `| head` and a window that was closed are no errors: the task continues, and its record is on disk.
  for (const stream of [stdout, stderr]) if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  let shown = '';
  const typedAhead: string[] = [];

  const clearProgress = () => {
    if (shown === '') return;
    const above = shown.split('\n').length - 1;
    shown = '';
    moveCursor(stderr, 0, -above);
    cursorTo(stderr, 0);
    clearScreenDown(stderr);
  };

  return {
    isWatched: stderr.isTTY === true,
    canAsk: process.stdin.isTTY === true && stderr.isTTY === true,
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
      if (stderr.isTTY !== true) return;
      // A line that wraps, or has left the screen, could not be rewritten.
      const lines = text.split('\n').slice(0, (stderr.rows || ROWS) - 1);
      const fitting = lines.map((line) => cutToColumns(line, (stderr.columns || COLUMNS) - 1)).join('\n');
      if (fitting === shown) return;
      clearProgress();
      shown = fitting;
      stderr.write(fitting);
    },
    clearProgress,
    async ask(question, signal, isSecret = false) {
      if (process.stdin.isTTY !== true || stderr.isTTY !== true) return undefined;
      clearProgress();
      const pasted = typedAhead.shift();
      if (pasted !== undefined) {
        stderr.write(`${question}${isSecret ? '' : pasted}\n`);
        return pasted;
      }
      const output = isSecret ? nowhere() : stderr;
      const lines = createInterface({ input: process.stdin, output, terminal: true });
      // Only now does the terminal no longer show what is typed.
      if (isSecret) stderr.write(question);
      // In this mode Ctrl-C is a key, and comes to the reader of lines.
      lines.on('SIGINT', () => process.emit('SIGINT'));
      try {
        return await new Promise<string | undefined>((resolve) => {
          lines.once('close', () => resolve(undefined));
          lines.question(isSecret ? '' : question, { signal }).then(
            (answer) => {
              resolve(answer);
              lines.close();
            },
            () => resolve(''),
          );
          // Lines that were pasted together with the answer answer the next questions.
          lines.on('line', (line) => typedAhead.push(line));
        });
      } finally {
        lines.close();
        if (isSecret) stderr.write('\n');
      }
    },
  };
}

/** One function for all terminals: each stream needs it once. */
function ignore(): void {}

/** A Chinese character takes two columns. */
function cutToColumns(line: string, columns: number): string {
  let left = columns;
  let end = 0;
  for (const character of line) {
    left -=
      /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uff60\p{Emoji_Presentation}]/u.test(
        character,
      )
        ? 2
        : 1;
    if (left < 0) break;
    end += character.length;
  }
  return line.slice(0, end);
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
