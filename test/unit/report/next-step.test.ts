/** Following every next step leads to an end: to a result, to a person's decision, or to waiting for something that moves. */
import { describe, expect, it } from 'vitest';
import { PROBLEMS, Problem, type ProblemCode } from '../../../src/problems.ts';
import { type NextStep, nextStepAfter, nextStepOf, nextStepOfList } from '../../../src/report/next-step.ts';
import { phrasingForTerminal } from '../../../src/report/phrasing-terminal.ts';
import { phrasingForTools } from '../../../src/report/phrasing-tools.ts';
import type { TaskView } from '../../../src/tasks/calls.ts';
import { errorOf, isOpen, type Task } from '../../../src/tasks/record.ts';
import { ACCEPTED, FILE, FINISHED, HOUR, LINK, listViewOf, NOW, taskOf, VIEWS, viewOf } from './views.ts';

/** Over: something to show, or a decision that only a person may take. */
const ENDS = ['show_file', 'give_link', 'ask_before_paying', 'repeat_if_wanted', 'fix_then_repeat', 'list', 'make'];

/** Whose turn it is: nobody may be sent around without anything having changed. */
type Mover = 'time' | 'person' | 'server';

function moverOf(step: NextStep): Mover {
  if (step.action === 'wait') return 'time';
  return step.action === 'fix_then_get' || step.action === 'get_with_mode' ? 'person' : 'server';
}

/** What a `get` can find after the step was followed: what moved, moved on. */
function after({ task, ...view }: TaskView, step: NextStep): TaskView[] {
  const { problem: _, missingFile: __, queue: ___, output: ____, ...rest } = view;
  const { error: _____, pollingProblem, sendingProblem, firstNotFoundAt, ...calm } = task;
  const video = { ...LINK, urlValidUntil: rest.now + HOUR };
  const saved: Task = {
    ...calm,
    status: 'done',
    ...ACCEPTED,
    ...FINISHED,
    acceptedAt: rest.now,
    video: { ...video, file: FILE },
  };
  const next = (changed: Task, more: Partial<TaskView> = {}): TaskView => ({ ...rest, task: changed, ...more });
  switch (task.status) {
    case 'queued':
      return [next({ ...calm, status: 'submitting', sentAt: rest.now }), next({ ...calm, status: 'cancelled' })];
    case 'submitting':
      return [
        next({ ...calm, status: 'generating', ...ACCEPTED, acceptedAt: rest.now }),
        next({ ...calm, status: 'failed', error: errorOf(new Problem('50413')) }),
        next({ ...calm, status: 'unknown', error: errorOf(new Problem('timeout')) }),
      ];
    case 'generating':
      return [
        next(saved),
        next({ ...saved, video, error: errorOf(new Problem('save_failed')) }),
        next({ ...calm, status: 'failed', error: errorOf(new Problem('50516')) }),
        next({ ...calm, status: 'expired', error: errorOf(new Problem('expired')) }),
        next({ ...calm, status: 'not_found', error: errorOf(new Problem('not_found')) }),
      ];
    case 'done':
      if (step.action === 'get' && step.to === 'refresh_link') return [next({ ...calm, video })];
      return [next(saved), next({ ...calm, video, error: errorOf(new Problem('expired')) })];
    default:
      return [next({ ...calm, status: 'generating', ...ACCEPTED, attempts: 1 })];
  }
}

function follow(view: TaskView, way: readonly string[]): void {
  const step = nextStepOf(view);
  const here = `${view.task.status}: ${step.action}`;
  if (ENDS.includes(step.action)) return;
  expect(way.length, [...way, here].join(' → ')).toBeLessThan(8);
  // A call that is repeated with nothing changed must be one that waits, or comes after a person's fix.
  if (way.at(-1) === here) expect(moverOf(step), [...way, here].join(' → ')).not.toBe('server');
  for (const next of after(view, step)) follow(next, [...way, here]);
}

describe('each chain of next steps ends', () => {
  it.each(Object.entries(VIEWS))('from %s', (_name, view) => follow(view, []));

  it.each(Object.entries(VIEWS))('from %s in 13 hours', (_name, view) => follow({ ...view, now: NOW + 13 * HOUR }, []));

  it.each(Object.keys(PROBLEMS) as ProblemCode[])('after the problem %s, whatever it happens to', (code) => {
    const error = errorOf(new Problem(code));
    follow(viewOf(taskOf({ status: 'failed', error })), []);
    follow(viewOf(taskOf({ status: 'unknown', error })), []);
    follow(viewOf(taskOf({ status: 'done', ...ACCEPTED, ...FINISHED, video: LINK, error })), []);
    follow(viewOf(taskOf({ status: 'done', ...ACCEPTED, ...FINISHED }), { problem: error }), []);
    follow(viewOf(taskOf({ status: 'generating', ...ACCEPTED, pollingProblem: { ...error, count: 2 } })), []);
    follow(viewOf(taskOf({ status: 'queued', sendingProblem: { ...error, count: 2 } })), []);
    expect(ENDS).toContain(nextStepAfter(new Problem(code), undefined).action);
  });
});

describe('the next step', () => {
  it('waits while a task goes on, and only then may the same call be repeated', () => {
    for (const view of Object.values(VIEWS)) {
      if (nextStepOf(view).action === 'wait') expect(isOpen(view.task.status)).toBe(true);
    }
  });

  it('never has a task paid again without the user, once it may have been charged', () => {
    for (const { task, ...view } of Object.values(VIEWS)) {
      if (!['unknown', 'not_found'].includes(task.status)) continue;
      expect(['ask_before_paying', 'get_with_mode']).toContain(nextStepOf({ task, ...view }).action);
    }
  });

  it('never fetches what the provider no longer keeps, whatever went wrong before', () => {
    const later = NOW + 13 * HOUR;
    for (const code of ['save_failed', 'not_sent', 'no_video'] as const) {
      const task = taskOf({ status: 'done', ...ACCEPTED, ...FINISHED, video: LINK, error: errorOf(new Problem(code)) });
      expect(nextStepOf(viewOf(task)).action).toBe('fix_then_get');
      expect(nextStepOf(viewOf(task, { now: later })).action).toBe('ask_before_paying');
    }
  });

  it('fetches another task first, where the call needs its video', () => {
    const problem = new Problem('invalid_input', { getFirst: 'jv-mf0h5r00-h3j4k' });
    const step = nextStepAfter(problem, undefined);
    expect(phrasingForTools('UTC').nextStep(step)).toBe(
      'Call get_video_task with {"task_id":"jv-mf0h5r00-h3j4k"} until it is saved. Then make the call again.',
    );
    expect(phrasingForTerminal('j', 'UTC').nextStep(step)).toBe('Run: j get jv-mf0h5r00-h3j4k\nThen run this again.');
  });

  it('of a queued task that waits for an unknown one names it, so that its slot can be given back', () => {
    expect(nextStepOf(VIEWS['queued-unknown'] ?? expect.fail('no view'))).toMatchObject({
      release: ['jv-mf0h5r00-h3j4k'],
    });
  });

  it('keeps the place that this call asked for until the video is there', () => {
    expect(nextStepOf(VIEWS['generating-output'] ?? expect.fail('no view'))).toMatchObject({
      get: { output: 'film/' },
    });
    expect(nextStepOf(VIEWS['done-copy-failed'] ?? expect.fail('no view'))).toMatchObject({
      get: { output: 'film/shot 1.mp4' },
    });
  });

  it('of a list waits while anything is open, then saves what is not saved, then ends', () => {
    const stepOf = (...names: string[]) =>
      nextStepOfList(listViewOf(names.map((name) => VIEWS[name] ?? expect.fail(name))));
    expect(stepOf('done-saved', 'generating', 'queued-third')).toEqual({ action: 'wait_for_all', open: 2 });
    expect(stepOf('done-saved', 'done-not-saved')).toEqual({ action: 'save', get: { taskId: 'jv-mf0h5s00-k7m01' } });
    expect(stepOf('done-saved', 'failed-later')).toEqual({ action: 'none' });
  });
});

describe('a phrased step', () => {
  const tools = phrasingForTools('UTC');
  const terminal = phrasingForTerminal('jimeng-video-mcp', 'UTC');
  const fix = (code: ProblemCode) => nextStepAfter(new Problem(code), undefined);

  it('gives the model what it can do, and passes to the user what only the operator can do', () => {
    expect(tools.nextStep(fix('50412'))).toBe('Reword the prompt. Then make the call again.');
    expect(tools.nextStep(fix('ffmpeg_missing'))).toBe(
      'Tell the user to install ffmpeg, or set JIMENG_VIDEO_FFMPEG to its path. Then make the call again.',
    );
    expect(tools.nextStep(fix('InvalidAccessKey'))).toBe(
      "Tell the user to fix the server's settings and restart it: set VOLC_ACCESSKEY to an existing, enabled key (console.volcengine.com/iam/keymanage). Then make the call again.",
    );
  });

  it('has a person at a terminal do it', () => {
    expect(terminal.nextStep(fix('50412'))).toBe('Reword the prompt. Then run it again.');
    expect(terminal.nextStep(fix('InvalidAccessKey'))).toBe(
      'Set VOLC_ACCESSKEY to an existing, enabled key (console.volcengine.com/iam/keymanage). Then run it again.',
    );
  });

  it('is one line for a model, and begins with a capital for both', () => {
    for (const view of Object.values(VIEWS)) {
      expect(tools.nextStep(nextStepOf(view))).toMatch(/^[A-Z][^\n]*\.$/);
      expect(terminal.nextStep(nextStepOf(view))).toMatch(/^[A-Z]/);
    }
  });
});
