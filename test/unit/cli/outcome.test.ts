/** What the shell learns: exit codes, the JSON of a report, and a submit whose process ends. */
import { describe, expect, it } from 'vitest';
import {
  asAbandoned,
  EXIT,
  exitCodeOf,
  interruptedOutcome,
  problemOutcome,
  taskOutcome,
  withRaw,
  worstExitCode,
} from '../../../src/cli/outcome.ts';
import { PROBLEMS, Problem, type ProblemCode } from '../../../src/problems.ts';
import { phrasingForTerminal } from '../../../src/report/phrasing-terminal.ts';
import { isErrorStatus, REPORT_STATUSES } from '../../../src/report/report.ts';
import { isOpen, TASK_STATUSES } from '../../../src/tasks/record.ts';
import { taskOf, VIEWS, viewOf } from '../report/views.ts';

const PHRASING = phrasingForTerminal('jimeng-video-mcp', 'UTC');

describe('the exit code', () => {
  it.for(REPORT_STATUSES)('of %s is an error exactly where the tool reports isError', (status) => {
    const code = exitCodeOf({ status });
    expect(code === EXIT.failed || code === EXIT.wrongUsage).toBe(isErrorStatus(status));
    expect(code === EXIT.wrongUsage).toBe(status === 'refused');
    expect(code === EXIT.stillRunning).toBe(TASK_STATUSES.some((known) => known === status && isOpen(known)));
  });

  it('of several reports a failure before what still runs', () => {
    expect(worstExitCode([0, 3, 1, 0])).toBe(1);
    expect(worstExitCode([0, 3])).toBe(3);
    expect(worstExitCode([0, 0])).toBe(0);
  });

  it.for([
    ['done-saved', 0],
    ['done-copy', 0],
    ['done-link-only', 0],
    ['done-not-converted', 0],
    ['done-not-saved', 1],
    ['done-copy-failed', 1],
    ['done-file-gone', 1],
  ] as const)('of %s is %i: paid for is not the same as there', ([name, exitCode]) => {
    expect(taskOutcome(VIEWS[name] ?? expect.fail(name), PHRASING, false).exitCode).toBe(exitCode);
  });
});

it('a submit whose process ends is shown as the next command will find it; anything else as it is', () => {
  const abandoned = asAbandoned(viewOf(taskOf({ status: 'submitting' })));
  const { json, text, exitCode } = taskOutcome(abandoned, PHRASING, false);
  expect(json).toMatchObject({ status: 'unknown', error: { code: 'interrupted' }, cost: { charge: 'possible' } });
  expect(text).toContain('the video may have been charged');
  expect(exitCode).toBe(1);
  const queued = viewOf(taskOf({ status: 'queued' }));
  expect(asAbandoned(queued)).toBe(queued);
});

it("--json has the provider's answer, whose long numbers are not rounded", () => {
  const provider = { provider: { task_id: '1' } };
  expect(withRaw(provider, taskOf({ status: 'done', raw: '{"code":10000}' }))).toEqual({
    provider: { task_id: '1', raw: { code: 10000 } },
  });
  const long = '{"code":50412,"id":9007199254740993}';
  expect(withRaw({}, taskOf({ status: 'failed', raw: long }))).toEqual({ provider: { raw: long } });
  expect(withRaw({}, taskOf({ status: 'failed', raw: '<html>' }))).toEqual({ provider: { raw: '<html>' } });
});

it.for(Object.keys(PROBLEMS) as ProblemCode[])('a problem %s is shown without a tool or an input of one', (code) => {
  for (const taskId of [undefined, 'jv-mf0h5s00-k7m2p']) {
    const { sentence = '' } = problemOutcome(new Problem(code), PHRASING, { taskId });
    expect(sentence).not.toMatch(/_video_task|generate_video|`|server's settings|Tell the user/);
    expect(sentence.includes('jv-mf0h5s00-k7m2p')).toBe(taskId !== undefined && code !== 'no_record');
  }
});

it('an interrupted command says what to run, or that nothing happened', () => {
  expect(interruptedOutcome(PHRASING, 'jv-mf0h5s00-k7m2p')).toMatchObject({
    sentence: 'Interrupted.\nTo wait for it, run: jimeng-video-mcp get jv-mf0h5s00-k7m2p',
    exitCode: EXIT.stillRunning,
  });
  expect(interruptedOutcome(PHRASING, undefined).sentence).toContain('nothing was charged');
});
