/** The text of every status, whole. The golden files are test/golden/texts/*.md for tools, *.txt for a terminal. */
import { describe, expect, it } from 'vitest';
import { PROBLEMS, Problem, type ProblemCode } from '../../../src/problems.ts';
import { listRefusal, listReport, listSchema } from '../../../src/report/list-report.ts';
import { phrasingForTerminal } from '../../../src/report/phrasing-terminal.ts';
import { phrasingForServer, phrasingForTools } from '../../../src/report/phrasing-tools.ts';
import { renderList, renderReport } from '../../../src/report/render.ts';
import { renderForTerminal, renderListForTerminal } from '../../../src/report/render-terminal.ts';
import {
  checkedReport,
  isErrorStatus,
  type Report,
  refusal,
  reportOf,
  reportSchema,
} from '../../../src/report/report.ts';
import type { CheckedView, ListView, TaskView } from '../../../src/tasks/calls.ts';
import { errorOf } from '../../../src/tasks/record.ts';
import { sampleRequest } from '../../support/sample-task.ts';
import { ACCEPTED, FILE, FINISHED, HOUR, LINK, listViewOf, NOW, taskOf, VIEWS, viewOf, ZONE } from './views.ts';

const TOOLS = phrasingForTools(ZONE);
const TERMINAL = phrasingForTerminal('jimeng-video-mcp', ZONE);
const named = Object.entries(VIEWS);
const statusesOf = (views: readonly TaskView[]) => [...new Set(views.map(({ task }) => task.status))].sort();

const toolReport = (view: TaskView): Report => reportSchema.parse(reportOf(view, TOOLS));
const golden = (name: string) => `../../golden/texts/${name}`;

/** Characters besides the prompt, the link and the path, which may be of any length. */
function lengthApart(text: string, { prompt = '', video }: Report): number {
  const given = [prompt, video?.url ?? '', video?.path ?? ''].filter((part) => part !== '');
  return given.reduce((rest, part) => rest.replaceAll(part, ''), text).length;
}

const CHECKED: CheckedView = {
  request: sampleRequest({ prompt: 'How much?', duration: 8, generatedSeconds: 10 }),
  notes: [],
  estimatedFen: 280,
  billedSeconds: 10,
  place: { folder: '/home/you/Videos/Jimeng' },
  path: '/home/you/Videos/Jimeng/2026-09-01 How much.mp4',
  now: NOW,
  sandbox: false,
};

const OTHERS: Readonly<Record<string, Report>> = {
  checked: checkedReport(CHECKED, TOOLS),
  'checked-sandbox': checkedReport({ ...CHECKED, sandbox: true, place: undefined, path: undefined }, TOOLS),
  'checked-joins': checkedReport({ ...CHECKED, same: taskOf({ status: 'generating', ...ACCEPTED }) }, TOOLS),
  'refused-input': refusal(
    new Problem('invalid_input', {
      what: '`duration` must be one of 4, 5, 6, 8, 10, but is 7.',
      hint: 'correct the input',
    }),
    TOOLS,
  ),
  'refused-no-keys': refusal(new Problem('missing_credentials'), TOOLS),
  'refused-budget': refusal(new Problem('budget_exceeded', { retryAt: NOW + HOUR }), TOOLS),
  'refused-declined': refusal(new Problem('confirmation_declined'), TOOLS),
  'refused-about-task': refusal(new Problem('state_busy'), TOOLS, { taskId: 'jv-mf0h5s00-k7m2p' }),
  'refused-no-record': refusal(new Problem('no_record'), TOOLS, { taskId: 'jv-mf0h5s00-k7m2p' }),
  'error-internal': refusal(new Problem('internal_error'), TOOLS, { taskId: 'jv-mf0h5s00-k7m2p' }),
};

describe('the text for a model', () => {
  it.each(named)('%s', async (name, view) => {
    await expect(`${renderReport(toolReport(view))}\n`).toMatchFileSnapshot(golden(`${name}.md`));
  });

  it.each(Object.entries(OTHERS))('%s', async (name, report) => {
    await expect(`${renderReport(reportSchema.parse(report))}\n`).toMatchFileSnapshot(golden(`${name}.md`));
  });

  it.each(named)('of %s is short, and holds the id, the message and the next step', (_name, view) => {
    const report = toolReport(view);
    const text = renderReport(report);
    expect(lengthApart(text, report)).toBeLessThan(isErrorStatus(report.status) ? 500 : 600);
    for (const part of [view.task.id, report.message, report.next_step]) expect(text).toContain(part);
  });

  it.each(Object.keys(PROBLEMS) as ProblemCode[])('of an error %s is under 500 characters', (code) => {
    const problem = new Problem(code, { providerCode: code, providerText: 'x'.repeat(1000) });
    const report = toolReport(viewOf(taskOf({ status: 'failed', error: errorOf(problem) })));
    expect(lengthApart(renderReport(report), report)).toBeLessThan(500);
    const refused = refusal(problem, TOOLS, { taskId: 'jv-mf0h5s00-k7m2p' });
    expect(renderReport(refused).length).toBeLessThan(500);
  });

  it('has no full stop behind a quotation that ends with one', () => {
    const saying = (providerText: string) =>
      toolReport(viewOf(taskOf({ status: 'failed', error: errorOf(new Problem('50413', { providerText })) }))).message;
    expect(saying('It does not exist.')).toContain('The provider says: "It does not exist." Nothing was charged.');
    expect(saying('Not Pass')).toContain('The provider says: "Not Pass". Nothing was charged.');
  });

  it('exists for every status of a task', () => {
    const statuses = reportSchema.shape.status.options.filter(
      (status) => !['checked', 'refused', 'running', 'waiting'].includes(status),
    );
    expect(statusesOf(Object.values(VIEWS))).toEqual([...statuses].sort());
  });

  it("of a finished video begins with the source document's lines, in its order", () => {
    const report = toolReport(viewOf(taskOf({ status: 'done', ...ACCEPTED, ...FINISHED })));
    expect(renderReport(report).split('\n').slice(0, 12)).toEqual([
      '**Generated Video:**',
      '',
      `[Download Video](<${LINK.url}>)`,
      '',
      '**Generation Info:**',
      '- Prompt: A golden retriever in sunflowers',
      '- Duration: 5 seconds',
      '- Mode: t2v_720p',
      '- FPS: 24',
      `- Save Path: ${FILE.path}`,
      '- Task ID: jv-mf0h5s00-k7m2p',
      '- Cost: ¥1.40',
    ]);
  });

  it.each([
    ['two\n\nlines\r\nof\u2028it\tand \u001b[31mmore', 'two lines of it and \\[31mmore'],
    ['**bold** _it_ `code` ~~gone~~', '\\*\\*bold\\*\\* \\_it\\_ \\`code\\` \\~\\~gone\\~\\~'],
    ['[Download Video](http://evil.example)', '\\[Download Video\\](http://evil.example)'],
    ['<img src=x> | a \\ b', '\\<img src=x\\> \\| a \\\\ b'],
    ['right\u202eto\u2066left\u200f', 'righttoleft'],
    ['half \ud83d a pair, and \u{1f415} whole', 'half \ufffd a pair, and \u{1f415} whole'],
    ['字'.repeat(800), '字'.repeat(800)],
  ])('has the prompt %j on one line, escaped and whole', (prompt, shown) => {
    const { request, ...task } = taskOf({ status: 'done', ...ACCEPTED, ...FINISHED });
    const text = renderReport(toolReport(viewOf({ ...task, request: { ...request, prompt } })));
    expect(text.split('\n')).toContain(`- Prompt: ${shown}`);
  });

  it('bounds and escapes the words of the provider', () => {
    const error = errorOf(new Problem('50413', { providerText: `**no**\n\u202e${'x'.repeat(2000)}` }));
    const { message } = toolReport(viewOf(taskOf({ status: 'failed', error })));
    expect(message).toContain('The provider says: "\\*\\*no\\*\\* xxx');
    expect(message.length).toBeLessThan(300);
  });
});

describe('for people of a shared server', () => {
  const server = phrasingForServer(true);

  it('a saved video is given as a link: its path leads nowhere on their computer', () => {
    expect(server.nextStep({ action: 'show_file' })).toBe('Give the user the download link.');
    expect(server.nextStep({ action: 'judge' })).not.toContain('path');
    expect(phrasingForServer(false).nextStep({ action: 'show_file' })).toBe(TOOLS.nextStep({ action: 'show_file' }));
  });

  it('a time names its zone', () => {
    expect(server.time(Date.UTC(2026, 10, 29, 20, 16, 53))).toBe('2026-11-29 20:16:53 UTC');
  });

  it.each(['output_not_writable', 'ffmpeg_missing', 'missing_credentials', '50400'] as const)(
    '%s is for the operator, and not for the user',
    (code) => {
      const { next_step: step } = refusal(new Problem(code), server);
      expect(step).toContain('the operator of this server has to fix it: ');
    },
  );

  it('a budget that is used up is for the user', () => {
    const { next_step: step } = refusal(new Problem('budget_exceeded'), server);
    expect(step).toMatch(/^Tell the user to wait/);
  });
});

describe('sandbox money', () => {
  it.each(named)('of %s is never charged, made or spent', (_name, { task, ...more }) => {
    const report = toolReport({ ...more, task: { ...task, sandbox: true } });
    expect([report.cost?.charge, report.sandbox]).toEqual(['none', true]);
    const text = renderReport(report);
    expect(text).toContain('nothing is charged');
    expect(text).not.toMatch(/may have been charged|¥/);
  });

  it('is not in a list', () => {
    const list = listReport(listViewOf(Object.values(VIEWS), { sandbox: true }), TOOLS);
    expect([list.spent, list.tasks.filter(({ cost_cny }) => cost_cny !== undefined)]).toEqual([undefined, []]);
    expect(renderList(list)).not.toMatch(/¥|[Ss]pent/);
  });
});

describe('the text for a terminal', () => {
  const shown = ['done-saved', 'done-link-only', 'generating', 'queued-unknown', 'failed-wrong-key', 'unknown-timeout'];

  it.each(shown)('%s', async (name) => {
    const report = reportOf(VIEWS[name] ?? expect.fail(name), TERMINAL);
    await expect(`${renderForTerminal(report, { verbose: false, zone: ZONE })}\n`).toMatchFileSnapshot(
      golden(`${name}.txt`),
    );
  });

  it('done-saved --verbose', async () => {
    const report = reportOf(VIEWS['done-saved'] ?? expect.fail('no view'), TERMINAL);
    const text = renderForTerminal(report, { verbose: true, zone: ZONE });
    await expect(`${text}\n`).toMatchFileSnapshot(golden('done-saved-verbose.txt'));
  });

  it('list', async () => {
    const list = listReport(listViewOf(shown.map((name) => VIEWS[name] ?? expect.fail(name))), TERMINAL);
    await expect(`${renderListForTerminal(list)}\n`).toMatchFileSnapshot(golden('list.txt'));
  });

  it.each(named)('of %s names no tool, no input of one, and has no Markdown', (_name, view) => {
    const report = reportOf(view, TERMINAL);
    const text = renderForTerminal(report, { verbose: true });
    expect(text).not.toMatch(/_video_task|generate_video|allow_duplicate|dry_run|server's settings|\*\*|\\[*_[]/);
  });

  it('keeps the path of the program as it is, whatever words it holds', () => {
    const command = "node '/opt/$1 $&/get_video_task `output`/main.js'";
    const { next_step } = reportOf(VIEWS.generating ?? expect.fail('no view'), phrasingForTerminal(command));
    expect(next_step).toBe(`To wait for it, run: ${command} get jv-mf0h5s00-k7m2p`);
  });

  it('quotes the place that a copied command names', () => {
    const view = viewOf(taskOf({ status: 'generating', ...ACCEPTED }), { output: "it's/shot 1.mp4" });
    const { next_step } = reportOf(view, phrasingForTerminal('j'));
    expect(next_step).toBe("To wait for it, run: j get jv-mf0h5s00-k7m2p --output 'it'\\''s/shot 1.mp4'");
  });
});

describe('a list', () => {
  const listOf = (view: ListView) => listSchema.parse(listReport(view, TOOLS));
  const several = ['done-saved', 'done-not-saved', 'generating', 'queued-third', 'failed-at-submit', 'unknown-cut'];

  it('list', async () => {
    const list = listOf(
      listViewOf(
        several.map((name) => VIEWS[name] ?? expect.fail(name)),
        { total: 12 },
      ),
    );
    await expect(`${renderList(list)}\n`).toMatchFileSnapshot(golden('list.md'));
    await expect(`${JSON.stringify(list, null, 2)}\n`).toMatchFileSnapshot(golden('list.json'));
  });

  it('list-empty', async () => {
    const list = listOf(listViewOf([], { spending: { last24hFen: 0, allTimeFen: 0, pendingFen: 0 } }));
    await expect(`${renderList(list)}\n`).toMatchFileSnapshot(golden('list-empty.md'));
  });

  it('list-refused', async () => {
    const list = listSchema.parse(listRefusal(new Problem('missing_credentials'), TOOLS));
    await expect(`${renderList(list)}\n`).toMatchFileSnapshot(golden('list-refused.md'));
  });

  it('counts what is open whatever the limit', () => {
    const counts = { queued: 1, generating: 2, submitting: 1, done: 8 };
    const list = listOf(listViewOf([VIEWS['done-saved'] ?? expect.fail('no view')], { counts, total: 12 }));
    expect(list.counts).toMatchObject({ open: 4, done: 8, total: 12 });
    expect(list.next_step).toContain('the 4 open ones');
  });

  it.each([
    ['', undefined],
    [', of people with long names,', '名'.repeat(64)],
    [', of people of an issuer with a long address,', `https://login.example.com/${'_'.repeat(150)} ${'_'.repeat(80)}`],
  ])('of 50 tasks with long prompts%s stays under 20 kB in both forms', (_what, person) => {
    const error = errorOf(new Problem('50413', { what: '错'.repeat(500) }));
    const tasks = Array.from({ length: 50 }, () => {
      const { request, ...task } = taskOf({ status: 'done', ...ACCEPTED, ...FINISHED, error });
      const whose = person === undefined ? {} : { person };
      return viewOf({ ...task, request: { ...request, prompt: '_字'.repeat(400) } }, whose);
    });
    const list = listOf(
      listViewOf(tasks, person === undefined ? { changed: tasks.map(() => 'jv-mf0h5s00-k7m2p') } : {}),
    );
    expect(list.tasks[0]?.person === undefined).toBe(person === undefined);
    expect(list.tasks).toHaveLength(50);
    expect(Buffer.byteLength(JSON.stringify(list))).toBeLessThan(20_000);
    expect(Buffer.byteLength(renderList(list))).toBeLessThan(20_000);
  });

  it('keeps the end of a name that is too long, because there the people of one issuer differ', () => {
    const person = `https://login.example.com/${'a'.repeat(60)} auth0|[mei](x)`;
    const list = listOf(listViewOf([viewOf(taskOf({ status: 'done', ...ACCEPTED, ...FINISHED }), { person })]));
    expect(list.tasks[0]?.person).toBe(`…${'a'.repeat(48)} auth0|[mei](x)`);
    expect(renderList(list)).toContain('aaa auth0\\|\\[mei\\](x), ');
  });

  it('says how much of the budget is left, what is pending, and what was spent', () => {
    expect(listOf(listViewOf([])).spent).toEqual({
      last_24h_cny: 1.4,
      all_time_cny: 12.6,
      pending_cny: 2.8,
      budget_cny: 20,
      left_cny: 15.8,
    });
  });
});

it('a report holds the facts, with ISO times', () => {
  expect(toolReport(viewOf(taskOf({ status: 'done', ...ACCEPTED, ...FINISHED })))).toMatchObject({
    video: { url_valid_until: '2026-09-01T11:01:30.000Z', path: FILE.path, bytes: FILE.bytes, width: 1248 },
    provider: { task_id: ACCEPTED.providerTaskId, req_key: 'jimeng_t2v_v30', request_id: ACCEPTED.requestId },
    submitted_at: '2026-09-01T10:00:00.500Z',
    finished_at: '2026-09-01T10:01:30.000Z',
    elapsed_seconds: 89.5,
    collect_before: '2026-09-01T22:00:00.500Z',
    cost: { estimated_cny: 1.4, billed_seconds: 5, charge: 'made' },
  });
  expect(toolReport(VIEWS['in-queue'] ?? expect.fail('no view'))).toMatchObject({
    status: 'generating',
    provider: { status: 'in_queue' },
  });
  const dead = toolReport(viewOf(taskOf({ status: 'done', ...ACCEPTED, ...FINISHED }), { now: NOW + HOUR }));
  expect(dead.video?.url).toBeUndefined();
});
