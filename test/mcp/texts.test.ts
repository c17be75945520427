/** How does the report of every status read, as a whole? The golden files are test/golden/texts/*.md. */
import { describe, expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/tools.ts';
import { Problem } from '../../src/problems.ts';
import { renderList, renderReport } from '../../src/report/render.ts';
import {
  type Circumstances,
  isErrorStatus,
  listReport,
  refusal,
  reportOf,
  reportSchema,
} from '../../src/report/report.ts';
import { toolSurface } from '../../src/report/surface.ts';
import type { TaskRecord } from '../../src/tasks/record.ts';
import { errorOf } from '../../src/tasks/submit.ts';
import type { UsualTime } from '../../src/tasks/usual-time.ts';
import { ACCEPTED, FINISHED, NOW, recordOf } from './records.ts';

const video = FINISHED.video;
const { file: _, ...link } = video;
const refused = errorOf(new Problem('50413', { providerCode: '50413', providerText: 'Post Text Risk Not Pass' }));
const ALIKE: UsualTime = { count: 30, lowSeconds: 110, medianSeconds: 130, highSeconds: 170, finishedBy: () => 0.5 };
const VARIED: UsualTime = { count: 30, lowSeconds: 75, medianSeconds: 130, highSeconds: 250, finishedBy: () => 0.5 };
const request = recordOf({ status: 'queued' }).request;

/** Golden file → the record, and what is known beside it. */
const CASES: Readonly<Record<string, readonly [TaskRecord, Partial<Circumstances>?]>> = {
  'done-saved': [recordOf({ status: 'done', ...ACCEPTED, ...FINISHED })],
  'done-joined': [recordOf({ status: 'done', ...ACCEPTED, ...FINISHED }), { joined: true }],
  'done-link-only': [recordOf({ status: 'done', ...ACCEPTED, ...FINISHED, video: link, destination: null })],
  'done-link-dead': [recordOf({ status: 'done', ...ACCEPTED, ...FINISHED }), { now: NOW + 3_600_000 }],
  'done-link-only-dead': [
    recordOf({ status: 'done', ...ACCEPTED, ...FINISHED, video: link, destination: null }),
    { now: NOW + 3_600_000 },
  ],
  'done-not-saved': [
    recordOf({
      status: 'done',
      ...ACCEPTED,
      ...FINISHED,
      video: link,
      error: errorOf(new Problem('save_failed', { what: 'The disk of /home/you/Videos/Jimeng is full.' })),
    }),
  ],
  'done-other-length': [
    recordOf({ status: 'done', ...ACCEPTED, ...FINISHED, request: { ...request, duration: 10, fps: 30 } }),
  ],
  'done-sandbox': [recordOf({ status: 'done', ...ACCEPTED, ...FINISHED, sandbox: true })],
  'in-queue': [recordOf({ status: 'in_queue', ...ACCEPTED })],
  generating: [recordOf({ status: 'generating', ...ACCEPTED })],
  'generating-usual': [recordOf({ status: 'generating', ...ACCEPTED }), { usual: { ...ALIKE, medianSeconds: 200 } }],
  'generating-varied': [recordOf({ status: 'generating', ...ACCEPTED }), { usual: VARIED }],
  'generating-overdue': [recordOf({ status: 'generating', ...ACCEPTED }), { usual: ALIKE, now: NOW + 60_000 }],
  'generating-joined': [recordOf({ status: 'generating', ...ACCEPTED }), { joined: true }],
  'generating-saving': [recordOf({ status: 'generating', ...ACCEPTED, video: link })],
  'generating-hindered': [
    recordOf({
      status: 'generating',
      ...ACCEPTED,
      hindrance: { ...errorOf(new Problem('SignatureDoesNotMatch', { providerCode: '100010' })), count: 3 },
    }),
  ],
  'generating-unanswered': [
    recordOf({
      status: 'generating',
      ...ACCEPTED,
      hindrance: { ...errorOf(new Problem('connection_lost')), count: 4 },
    }),
  ],
  'generating-unwritten': [recordOf({ status: 'generating', ...ACCEPTED }), { unwritten: true }],
  'queued-next': [recordOf({ status: 'queued' }), { placeInQueue: 0 }],
  'queued-third': [recordOf({ status: 'queued' }), { placeInQueue: 2 }],
  submitting: [recordOf({ status: 'submitting' })],
  'failed-at-submit': [recordOf({ status: 'failed', finished_at: ACCEPTED.submitted_at, error: refused })],
  'failed-later': [
    recordOf({
      status: 'failed',
      ...ACCEPTED,
      finished_at: FINISHED.finished_at,
      error: errorOf(new Problem('50516', { providerCode: '50516', providerText: 'Post Video Risk Not Pass' })),
    }),
  ],
  'failed-not-sent': [
    recordOf({
      status: 'failed',
      finished_at: FINISHED.finished_at,
      error: errorOf(
        new Problem('not_sent', { what: 'The provider could not be reached (ECONNREFUSED), so nothing was sent.' }),
      ),
    }),
  ],
  'unknown-cut': [
    recordOf({ status: 'unknown', finished_at: FINISHED.finished_at, error: errorOf(new Problem('connection_lost')) }),
  ],
  'unknown-timeout': [
    recordOf({
      status: 'unknown',
      finished_at: FINISHED.finished_at,
      error: errorOf(new Problem('timeout', { what: 'No answer came within 300 s (JIMENG_VIDEO_API_TIMEOUT).' })),
    }),
  ],
  'unknown-interrupted': [
    recordOf({ status: 'unknown', finished_at: FINISHED.finished_at, error: errorOf(new Problem('interrupted')) }),
  ],
  'not-found': [
    recordOf({
      status: 'not_found',
      ...ACCEPTED,
      finished_at: FINISHED.finished_at,
      error: errorOf(new Problem('not_found')),
    }),
  ],
  'expired-at-provider': [
    recordOf({
      status: 'expired',
      ...ACCEPTED,
      finished_at: FINISHED.finished_at,
      error: errorOf(new Problem('expired')),
    }),
  ],
  'expired-unsent': [
    (() => {
      const { sent_at: _never, ...unsent } = recordOf({ status: 'expired', finished_at: FINISHED.finished_at });
      return { ...unsent, attempts: 0 };
    })(),
  ],
  cancelled: [recordOf({ status: 'cancelled', attempts: 0, finished_at: FINISHED.finished_at })],
};

/** Every "TOOL with {…}" in a sentence, as a client would copy it. */
function callsIn(sentence: string) {
  return [...sentence.matchAll(/\b([a-z_]+) with (\{.*?\})/g)].map(([text, tool = '', given = '']) => {
    const known = TOOLS.find(({ name }) => name === tool) ?? expect.fail(`no tool ${tool}`);
    return { text, tool, flaws: known.input.safeParse(JSON.parse(given)).error };
  });
}

/** What a program may want, and a reader is told in other words, or needs not. */
const ONLY_STRUCTURED = new Set([
  ...['cost.charge', 'cost.billed_seconds', 'sandbox', 'video.url_valid_until', 'video.bytes'],
  ...['error.who', 'error.retryable'],
]);

/** What the text of this status says in other words, each with these. */
const OTHER_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  done: { status: 'Generated Video' },
  // A link that is being saved is nobody's to open yet.
  generating: { 'video.url': 'is being saved' },
  not_found: { 'error.message': 'does not know this task' },
  expired: { 'error.message': 'past its life at the provider' },
};

function leaves(value: unknown, path: readonly string[] = []): [path: string, value: unknown][] {
  if (typeof value !== 'object' || value === null) return [[path.join('.'), value]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...path, name]));
}

/** Numbers are rounded in the text, and whole prices have their decimals. */
function shows(text: string, value: unknown): boolean {
  if (typeof value !== 'number') return text.includes(String(value));
  return [String(Math.round(value)), String(Math.round(value * 100) / 100)].some((shown) => text.includes(shown));
}

describe('the text of a task', () => {
  it.each(Object.keys(CASES))('%s', async (name) => {
    const [record, circumstances] = CASES[name] ?? [recordOf({ status: 'queued' })];
    const report = reportSchema.parse(reportOf(record, { surface: toolSurface, now: NOW, ...circumstances }));
    const text = renderReport(report);
    expect(text).toContain(report.message);
    expect(text).toContain(report.next_step);
    expect(text).toContain(record.id);
    for (const call of callsIn(`${report.message} ${report.next_step}`)) expect(call.flaws, call.text).toBeUndefined();
    await expect(`${text}\n`).toMatchFileSnapshot(`../golden/texts/${name}.md`);
  });

  it.each(Object.keys(CASES))('%s holds the facts of the structured report', (name) => {
    const [record, circumstances] = CASES[name] ?? [recordOf({ status: 'queued' })];
    const report = reportSchema.parse(reportOf(record, { surface: toolSurface, now: NOW, ...circumstances }));
    const text = renderReport(report);
    const missing = leaves(report).filter(
      ([path, value]) =>
        !ONLY_STRUCTURED.has(path) && !shows(text, value) && !shows(text, OTHER_WORDS[report.status]?.[path] ?? value),
    );
    expect(missing).toEqual([]);
  });

  it('names a call that can be copied wherever there is something to wait for, to fetch or to withdraw', () => {
    for (const [record, circumstances] of Object.values(CASES)) {
      if (!['queued', 'submitting', 'in_queue', 'generating', 'done'].includes(record.status)) continue;
      const { next_step = '' } = reportOf(record, { surface: toolSurface, now: NOW, ...circumstances });
      expect(callsIn(next_step).map(({ tool }) => tool)).toContain('get_video_task');
    }
  });

  it('every status of a task has one', () => {
    const told = new Set(Object.values(CASES).map(([record]) => record.status));
    const statuses = reportSchema.shape.status.options.filter((status) => !['checked', 'refused'].includes(status));
    expect([...told].sort()).toEqual([...statuses].sort());
  });

  it('an error of our own that cannot be told does not claim that nothing was sent', () => {
    const report = refusal(new Problem('internal_error'), toolSurface, false);
    expect([report.status, report.cost?.charge, isErrorStatus(report.status)]).toEqual(['unknown', 'possible', true]);
  });
});

describe('the text of a finished video', () => {
  it("begins with the source document's lines, in its order", () => {
    const [record] = CASES['done-saved'] ?? [];
    const text = renderReport(reportOf(record as TaskRecord, { surface: toolSurface, now: NOW }));
    expect(text.split('\n').slice(0, 10)).toEqual([
      '**Generated Video:**',
      '',
      `[Download Video](<${video.url}>)`,
      '',
      '**Generation Info:**',
      '- Prompt: A golden retriever in sunflowers',
      '- Duration: 5 seconds',
      '- Mode: t2v_720p',
      '- FPS: 24',
      `- Save Path: ${video.file.path}`,
    ]);
  });

  it.each([
    ['two\n\nlines\r\nof\u2028it\tand \u001b[31mmore', 'two lines of it and \\[31mmore'],
    ['**bold** _it_ `code` ~~gone~~', '\\*\\*bold\\*\\* \\_it\\_ \\`code\\` \\~\\~gone\\~\\~'],
    ['[Download Video](http://evil.example)', '\\[Download Video\\](http://evil.example)'],
    ['<img src=x> | a \\ b', '\\<img src=x\\> \\| a \\\\ b'],
    ['字'.repeat(800), '字'.repeat(800)],
  ])('has the prompt %j on one line, escaped and whole', (prompt, shown) => {
    const record = recordOf({ status: 'done', ...ACCEPTED, ...FINISHED, request: { ...request, prompt } });
    const lines = renderReport(reportOf(record, { surface: toolSurface, now: NOW })).split('\n');
    expect(lines).toContain(`- Prompt: ${shown}`);
  });
});

describe('the text of a list', () => {
  const spending = { last24hCny: 1.4, allTimeCny: 2.8, possibleCny: 0 };
  const listOf = (records: readonly TaskRecord[]) =>
    listReport({ records, total: records.length, spending, usualTimes: new Map() }, toolSurface, NOW, false);

  it.each(Object.keys(CASES))('tells of %s when it was submitted, its cost, its error, and where it is', (name) => {
    const [record] = CASES[name] ?? [recordOf({ status: 'queued' })];
    const report = listOf([record]);
    const text = renderList(report);
    const { submitted_at: submittedAt, cost, error, video, status } = report.tasks[0] ?? expect.fail('no task');
    expect(text).toContain(submittedAt ?? '');
    expect(text).toContain(
      { none: 'nothing charged', possible: '¥1.40 possible', made: '¥1.40,' }[cost?.charge ?? 'none'],
    );
    expect(text).toContain(error === undefined ? '' : `error ${error.code}`);
    expect(text).toContain(error?.message ?? '');
    expect(text).toContain(video?.path ?? (status === 'done' ? (video?.url ?? '') : ''));
  });

  it('has three lines for a task at most', async () => {
    const records = Object.values(CASES).map(([record]) => record);
    const text = renderList(listOf(records));
    const lengths = text.split('\n- ').map((task) => task.split('\n\n')[0]?.split('\n').length);
    expect(lengths).toHaveLength(records.length + 1);
    expect(Math.max(...lengths.map(Number))).toBeLessThanOrEqual(3);
    await expect(`${text}\n`).toMatchFileSnapshot('../golden/texts/list.md');
  });
});
