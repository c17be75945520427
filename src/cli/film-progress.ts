/** Shows how far each shot of a film is: a few lines that are rewritten on a terminal, else a line for each change. */
import type { FilmView } from '../films/calls.ts';
import { type ShotState, shotStates } from '../films/film.ts';
import { cut, oneLine } from '../report/text.ts';
import type { Task } from '../tasks/record.ts';
import type { Terminal } from './terminal.ts';

const MAX_PROMPT_CHARACTERS = 40;

/** @returns called with each view while a command waits */
export function filmProgressOn(terminal: Terminal): (view: FilmView) => void {
  if (terminal.isWatched) return (view) => terminal.showProgress(progressLines(view).join('\n'));
  let before: readonly string[] = [];
  return (view) => {
    const states = statesOf(view);
    for (const [index, state] of states.entries()) {
      if (state !== before[index]) terminal.say(`${view.film.id} shot ${index + 1}: ${state}`);
    }
    if (isJoining(view) && before.some((state) => state !== 'saved'))
      terminal.say(`${view.film.id}: joining the shots`);
    before = states;
  };
}

/** The film, then one line for each shot. */
function progressLines(view: FilmView): string[] {
  const { film, tasks, now } = view;
  const saved = shotStates(tasks).filter((state) => state === 'saved').length;
  const head = isJoining(view) ? 'joining the shots' : `${saved} of ${tasks.length} shots saved`;
  const states = statesOf(view).map((state, index) => `${state}${secondsOf(tasks[index], now)}`);
  const width = Math.max(...states.map(({ length }) => length));
  return [
    `film ${film.id}: ${head}`,
    ...states.map((state, index) => {
      const prompt = tasks[index]?.request.prompt;
      const shown = prompt === undefined ? '' : cut(oneLine(prompt), MAX_PROMPT_CHARACTERS);
      return `  ${String(index + 1).padStart(2)}  ${state.padEnd(width)}  ${shown}`.trimEnd();
    }),
  ];
}

function isJoining({ status, tasks }: FilmView): boolean {
  return status === 'running' && shotStates(tasks).every((state) => state === 'saved');
}

function statesOf({ tasks }: FilmView): string[] {
  return shotStates(tasks).map((state, index) => stateOf(state, tasks[index], tasks));
}

function stateOf(state: ShotState, task: Task | undefined, tasks: FilmView['tasks']): string {
  if (task === undefined) return 'not recorded';
  if (state === 'saved') return 'saved';
  if (task.status === 'done') return 'not saved';
  if (task.status === 'generating' && task.video !== undefined) return 'saving';
  const [awaited] = task.awaits ?? [];
  if (task.status !== 'queued' || awaited === undefined) return task.status;
  const shot = tasks.findIndex((other) => other?.id === awaited.taskId);
  return shot < 0 ? `waits for ${awaited.taskId}` : `waits for shot ${shot + 1}`;
}

function secondsOf(task: Task | undefined, now: number): string {
  if (task?.status !== 'generating') return '';
  const since = task.acceptedAt ?? task.sentAt;
  return since === undefined ? '' : `, ${Math.max(0, Math.round((now - since) / 1000))} s`;
}
