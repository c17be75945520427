/** The progress of a film: a line for each shot on a terminal, and elsewhere a line for each change. */
import { expect, it } from 'vitest';
import { filmProgressOn } from '../../../src/cli/film-progress.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import type { FilmView } from '../../../src/films/calls.ts';
import type { Task } from '../../../src/tasks/record.ts';

const NOW = Date.UTC(2026, 10, 28);
const FILM = 'jf-mx0h914b-n729f';

function viewOf(...tasks: readonly Partial<Task>[]): FilmView {
  const full = tasks.map((task, index) => ({ id: `jv-${index}`, request: { prompt: `shot\n${index}` }, ...task }));
  return { film: { id: FILM }, status: 'running', tasks: full, now: NOW } as unknown as FilmView;
}

const SAVED = { status: 'done', video: { file: { path: '/a.mp4' } } } as unknown as Partial<Task>;
const GENERATING: Partial<Task> = { status: 'generating', acceptedAt: NOW - 34_000 };
const CONTINUING: Partial<Task> = { status: 'queued', awaits: [{ taskId: 'jv-1', which: 'last' }] };

function terminalOf(isWatched: boolean) {
  const [shown, said]: [string[], string[]] = [[], []];
  const terminal = {
    isWatched,
    showProgress: (text: string) => shown.push(text),
    say: (text: string) => said.push(text),
  } as unknown as Terminal;
  return { show: filmProgressOn(terminal), shown, said };
}

it('names each shot, its state and how long it has been made', () => {
  const { show, shown, said } = terminalOf(true);
  show(viewOf(SAVED, GENERATING, CONTINUING));
  expect(shown).toEqual([
    [
      `film ${FILM}: 1 of 3 shots saved`,
      '   1  saved             shot 0',
      '   2  generating, 34 s  shot 1',
      '   3  waits for shot 2  shot 2',
    ].join('\n'),
  ]);
  expect(said).toEqual([]);
});

it('where nobody watches, says only what changed', () => {
  const { show, shown, said } = terminalOf(false);
  show(viewOf(GENERATING, GENERATING));
  show(viewOf(GENERATING, GENERATING));
  show(viewOf(SAVED, GENERATING));
  show(viewOf(SAVED, SAVED));
  expect(said).toEqual([
    `${FILM} shot 1: generating`,
    `${FILM} shot 2: generating`,
    `${FILM} shot 1: saved`,
    `${FILM} shot 2: saved`,
    `${FILM}: joining the shots`,
  ]);
  expect(shown).toEqual([]);
});
