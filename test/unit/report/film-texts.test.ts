/** The texts of films, as a model and a person read them: frozen, short, each with what to do next. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FilmView } from '../../../src/films/calls.ts';
import { type Film, statusOf } from '../../../src/films/film.ts';
import { Problem } from '../../../src/problems.ts';
import { filmReport } from '../../../src/report/film-report.ts';
import { phrasingForTools } from '../../../src/report/phrasing-tools.ts';
import { renderReport } from '../../../src/report/render.ts';
import { reportSchema } from '../../../src/report/report.ts';
import { errorOf, type Task } from '../../../src/tasks/record.ts';
import { HOUR, MINUTE, SUBMITTED, sampleTask } from '../../support/sample-task.ts';

const golden = (name: string) => fileURLToPath(new URL(`../../golden/texts/${name}`, import.meta.url));
const phrasing = phrasingForTools('Asia/Shanghai');
const PROMPTS = ['A paper boat on a quiet stream', 'The boat falls over a waterfall', 'The boat at sea at dusk'];
const SHOWN = { duration: 5, fps: 24, notes: [] } as const;

const saved = (index: number): Partial<Task> => ({
  status: 'done',
  finishedAt: SUBMITTED + 3 * MINUTE,
  video: {
    url: 'https://example.com/v.mp4',
    urlValidUntil: SUBMITTED + HOUR,
    file: { path: `/home/you/Videos/Jimeng/boat shot ${index + 1}.mp4`, bytes: 9_000_000, sha256: 'a' },
  },
});

function viewOf(changes: readonly Partial<Task>[], film: Partial<Film> = {}, more: Partial<FilmView> = {}): FilmView {
  const ids = changes.map((_, index) => `jv-mf0h5s0${index}-k7m2p`);
  const tasks = changes.map((change, index) =>
    sampleTask({
      id: ids[index] ?? '',
      request: { mode: 't2v_720p', prompt: PROMPTS[index] ?? '', ...SHOWN },
      ...change,
    }),
  );
  const whole: Film = {
    id: 'jf-mf0h5s00-w2xqd',
    status: 'running',
    fingerprint: 'f',
    reservedAt: SUBMITTED,
    sandbox: false,
    title: 'The paper boat',
    place: { folder: '/home/you/Videos/Jimeng' },
    baseName: 'boat',
    shots: ids.map((id, index) => ({ takes: [id], continues: index === 1, request: {} as never })),
    joins: [],
    ...film,
  };
  return {
    film: whole,
    status: statusOf(whole, tasks),
    tasks,
    fen: 420,
    now: SUBMITTED + 5 * MINUTE,
    joined: false,
    isLeft: false,
    isUnsent: false,
    ...more,
  };
}

const ids = ['jv-mf0h5s00-k7m2p', 'jv-mf0h5s01-k7m2p', 'jv-mf0h5s02-k7m2p'];
const join = {
  file: {
    ...{ path: '/home/you/Videos/Jimeng/boat.mp4', bytes: 27_000_000, sha256: 'b' },
    facts: { width: 1248, height: 704, durationSeconds: 15.125, fps: 24 },
  },
  takes: ids,
  notes: ['some Apple players do not play mp3 in an MP4; give an m4a for those'],
  joinedAt: SUBMITTED,
};
const waits: Partial<Task> = { status: 'queued', ownerAlive: true, awaits: [{ taskId: ids[0] ?? '', which: 'last' }] };
const refused = errorOf(new Problem('50516', { providerText: 'Post Video Risk Not Pass' }));
const lost = errorOf(new Problem('connection_lost'));

const VIEWS: Readonly<Record<string, FilmView>> = {
  'film-running': viewOf([{}, waits, saved(2)]),
  'film-left': viewOf([saved(0), { status: 'queued', ownerAlive: false }, saved(2)], {}, { isLeft: true }),
  'film-unsent': viewOf([saved(0), { status: 'queued' }, { status: 'queued' }], {}, { isUnsent: true }),
  'film-done': viewOf([saved(0), saved(1), saved(2)], { status: 'done', joins: [join] }, { join }),
  'film-done-joined-call': viewOf(
    [saved(0), saved(1), saved(2)],
    { status: 'done', joins: [join] },
    { join, joined: true },
  ),
  'film-refused-shot': viewOf([saved(0), { status: 'failed', error: refused }, {}]),
  'film-unknown-shot': viewOf([{ status: 'unknown', error: lost }, waits, saved(2)]),
  'film-withdrawn-shot': viewOf([saved(0), { status: 'cancelled' }, saved(2)]),
  'film-all-failed': viewOf([0, 1, 2].map(() => ({ status: 'failed' as const, error: refused }))),
  'film-cancelled': viewOf(
    [0, 1, 2].map(() => ({ status: 'cancelled' as const })),
    { status: 'cancelled' },
    { fen: 0 },
  ),
  'film-not-joined': viewOf([saved(0), saved(1), saved(2)], {
    status: 'waiting',
    joinProblem: { ...errorOf(new Problem('ffmpeg_missing')), takes: ids },
  }),
  'film-file-gone': viewOf(
    [saved(0), saved(1), saved(2)],
    { status: 'done', joins: [join] },
    { missingFile: join.file.path },
  ),
};

it('a film of a sandbox in another process is said to be none, and costs nothing', () => {
  const ofSandbox = (index: number) => ({ ...saved(index), sandbox: true });
  const view = viewOf([0, 1, 2].map(ofSandbox), { status: 'done', joins: [join] }, { join });
  const { sandbox, cost, message } = filmReport(view, phrasing);
  expect([sandbox, cost?.charge]).toEqual([true, 'none']);
  expect(message).toContain('not a real video');
});

describe.each(Object.entries(VIEWS))('%s', (name, view) => {
  const report = reportSchema.parse(filmReport(view, phrasing));

  it('is the frozen one', async () => {
    await expect(`${renderReport(report)}\n`).toMatchFileSnapshot(golden(`${name}.md`));
  });

  it('holds the id, the message, what to do, and one line for each shot', () => {
    const text = renderReport(report);
    for (const part of [view.film.id, report.message, report.next_step]) expect(text).toContain(part);
    expect(text.split('\n').filter((line) => /^\d+\. /.test(line)).length).toBe(view.tasks.length);
    expect(report.next_step).not.toBe('');
  });
});

it('a film of 24 shots with long prompts stays under 10 kB', () => {
  const changes = Array.from({ length: 24 }, (_, index) => ({
    ...saved(index),
    request: { mode: 't2v_720p', prompt: '船'.repeat(800), ...SHOWN },
  }));
  expect(Buffer.byteLength(renderReport(reportSchema.parse(filmReport(viewOf(changes), phrasing))))).toBeLessThan(
    10_000,
  );
});
