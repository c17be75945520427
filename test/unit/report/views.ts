/** Views of tasks whose every value is known, one for each situation that a report describes. */
import { Problem } from '../../../src/problems.ts';
import type { ListView, TaskView } from '../../../src/tasks/calls.ts';
import type { UsualTime } from '../../../src/tasks/poll-timing.ts';
import { errorOf, type Task } from '../../../src/tasks/record.ts';

export const NOW = Date.parse('2026-09-01T10:02:00.000Z');
export const HOUR = 3_600_000;
/** The reader's time zone of the golden files. */
export const ZONE = 'Asia/Shanghai';

/** A t2v_720p of two minutes ago; what is given replaces what is here. */
export function taskOf(changes: Partial<Task> & Pick<Task, 'status'>): Task {
  const isSent = !['queued', 'cancelled'].includes(changes.status);
  return {
    id: 'jv-mf0h5s00-k7m2p',
    sandbox: false,
    request: { mode: 't2v_720p', prompt: 'A golden retriever in sunflowers', duration: 5, fps: 24, notes: [] },
    fingerprint: 'f',
    reqKey: 'jimeng_t2v_v30',
    billedSeconds: 5,
    fen: 140,
    reservedAt: Date.parse('2026-09-01T10:00:00.000Z'),
    ...(isSent ? { sentAt: Date.parse('2026-09-01T10:00:00.100Z') } : {}),
    attempts: isSent ? 1 : 0,
    place: { folder: '/home/you/Videos/Jimeng' },
    ownerAlive: true,
    ...changes,
  };
}

export function viewOf(task: Task, more: Partial<TaskView> = {}): TaskView {
  return { task, now: NOW, joined: false, isUnwritten: false, ...more };
}

export const ACCEPTED = {
  acceptedAt: Date.parse('2026-09-01T10:00:00.500Z'),
  providerTaskId: '7392616336519610409',
  requestId: '20260901100000AF0029465CF6A74E51EC',
} as const;

const FINISHED_AT = { finishedAt: Date.parse('2026-09-01T10:01:30.000Z') };

export const LINK = {
  url: 'https://v3.example.com/tos-cn-v-1/abc/?a=0&expire=1788260490&signature=ab%2F~1(c)',
  urlValidUntil: Date.parse('2026-09-01T11:01:30.000Z'),
};

export const FILE = {
  path: '/home/you/Videos/Jimeng/2026-09-01 A golden retriever k7m2p.mp4',
  bytes: 3_612_345,
  sha256: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
  facts: { width: 1248, height: 704, durationSeconds: 121 / 24, fps: 24 },
};

export const FINISHED = { ...FINISHED_AT, video: { ...LINK, file: FILE } } as const;

const problem = (...given: ConstructorParameters<typeof Problem>) => errorOf(new Problem(...given));
const request = taskOf({ status: 'queued' }).request;
const usual = (low: number, median: number, high: number): UsualTime =>
  ({ count: 30, lowSeconds: low, medianSeconds: median, highSeconds: high }) as UsualTime;

const generating = (more: Partial<Task> = {}) =>
  taskOf({ status: 'generating', providerStatus: 'generating', ...ACCEPTED, ...more });
const done = (more: Partial<Task> = {}) => taskOf({ status: 'done', ...ACCEPTED, ...FINISHED, ...more });
const unsaved = (more: Partial<Task> = {}) => done({ video: LINK, ...more });
const failed = (error: Task['error'], more: Partial<Task> = {}) =>
  taskOf({ status: 'failed', ...FINISHED_AT, ...more, ...(error === undefined ? {} : { error }) });
const unknown = (error: Task['error']) =>
  taskOf({ status: 'unknown', ...FINISHED_AT, ...(error === undefined ? {} : { error }) });
const diskFull = problem('save_failed', {
  what: 'The disk of /home/you/Videos/Jimeng is full (ENOSPC).',
  hint: 'free some space there',
});

/** Golden file → the view. */
export const VIEWS: Readonly<Record<string, TaskView>> = {
  'done-saved': viewOf(done()),
  'done-joined': viewOf(done(), { joined: true }),
  'done-copy': viewOf(done(), { copy: { path: '/home/you/film/shot 1.mp4' }, output: 'film/shot 1.mp4' }),
  'done-copy-failed': viewOf(done(), { problem: diskFull, output: 'film/shot 1.mp4' }),
  'done-file-gone': viewOf(done(), { missingFile: FILE.path, problem: problem('not_sent') }),
  'done-link-only': viewOf(unsaved({ place: null })),
  'done-link-dead': viewOf(done(), { now: NOW + HOUR }),
  'done-link-only-dead': viewOf(unsaved({ place: null }), { now: NOW + HOUR }),
  'done-link-lost': viewOf(unsaved({ place: null }), { now: NOW + 13 * HOUR }),
  'done-not-saved': viewOf(unsaved({ error: diskFull, saveAgainAt: NOW + 60_000 })),
  'done-without-video': viewOf(taskOf({ status: 'done', ...ACCEPTED, ...FINISHED_AT, error: problem('no_video') })),
  'done-not-converted': viewOf(done({ request: { ...request, fps: 30 }, error: problem('conversion_failed') })),
  'done-trimmed': viewOf(
    done({
      request: { ...request, duration: 4 },
      video: { ...LINK, file: { ...FILE, facts: { ...FILE.facts, durationSeconds: 4 } } },
    }),
  ),
  'done-other-length': viewOf(done({ request: { ...request, duration: 10, fps: 30 }, billedSeconds: 10 })),
  'done-sandbox': viewOf(done({ sandbox: true })),
  'in-queue': viewOf(generating({ providerStatus: 'in_queue' })),
  generating: viewOf(generating()),
  'generating-output': viewOf(generating(), { output: 'film/' }),
  'generating-trimmed': viewOf(
    generating({
      request: { ...request, duration: 8, fps: 30, notes: ['the picture was scaled down to 4096 × 2304'] },
      billedSeconds: 10,
      fen: 280,
    }),
  ),
  'generating-usual': viewOf(generating(), { usual: usual(110, 200, 170) }),
  'generating-varied': viewOf(generating(), { usual: usual(75, 130, 250) }),
  'generating-overdue': viewOf(generating(), { usual: usual(110, 130, 170), now: NOW + 60_000 }),
  'generating-joined': viewOf(generating(), { joined: true }),
  'generating-saving': viewOf(generating({ video: LINK })),
  'generating-wrong-key': viewOf(
    generating({ pollingProblem: { ...problem('SignatureDoesNotMatch', { providerCode: '100010' }), count: 3 } }),
  ),
  'generating-unanswered': viewOf(generating({ pollingProblem: { ...problem('connection_lost'), count: 4 } })),
  'generating-not-found-yet': viewOf(generating({ firstNotFoundAt: NOW - 5_000 })),
  'generating-adopted-not-found': viewOf(
    generating({ attempts: 0, firstNotFoundAt: NOW - 5_000, request: { mode: 't2v_720p', notes: [] } }),
  ),
  'generating-unwritten': viewOf(generating(), { isUnwritten: true }),
  'generating-stuck': viewOf(generating(), { problem: problem('state_not_writable') }),
  'queued-now': viewOf(taskOf({ status: 'queued' }), { queue: { before: 0, unknowns: [] } as never }),
  'queued-next': viewOf(taskOf({ status: 'queued' }), { queue: { before: 0, waitsFor: 'slot', unknowns: [] } }),
  'queued-third': viewOf(taskOf({ status: 'queued' }), { queue: { before: 2, waitsFor: 'turn', unknowns: [] } }),
  'queued-unknown': viewOf(taskOf({ status: 'queued' }), {
    queue: { before: 0, waitsFor: 'unknown', unknowns: ['jv-mf0h5r00-h3j4k'], until: NOW + 60_000 },
  }),
  'queued-unknowns': viewOf(taskOf({ status: 'queued' }), {
    queue: {
      before: 2,
      waitsFor: 'unknown',
      unknowns: Array.from({ length: 12 }, (_, index) => `jv-mf0h5r00-h3j${index + 10}`),
      until: NOW + 60_000,
    },
  }),
  'queued-pause': viewOf(taskOf({ status: 'queued' }), {
    queue: { before: 1, waitsFor: 'pause', unknowns: [], until: NOW + 8_000 },
  }),
  'queued-process': viewOf(taskOf({ status: 'queued', ownerAlive: false }), {
    queue: { before: 0, waitsFor: 'process', unknowns: [] },
  }),
  'queued-worker': viewOf(taskOf({ status: 'queued' }), { queue: { before: 0, waitsFor: 'worker', unknowns: [] } }),
  'queued-offline': viewOf(
    taskOf({
      status: 'queued',
      sendingProblem: {
        ...problem('not_sent', { what: 'The provider could not be reached (ECONNREFUSED), so nothing was sent.' }),
        count: 2,
      },
    }),
  ),
  submitting: viewOf(taskOf({ status: 'submitting' })),
  'failed-at-submit': viewOf(
    failed(problem('50413', { providerCode: '50413', providerText: 'Post Text Risk Not Pass' })),
  ),
  'failed-later': viewOf(
    failed(problem('50516', { providerCode: '50516', providerText: 'The video does not exist.' }), ACCEPTED),
  ),
  'failed-not-opened': viewOf(failed(problem('50400', { providerCode: '50400', providerText: 'Access Denied' }))),
  'failed-wrong-key': viewOf(failed(problem('InvalidAccessKey', { providerCode: '100009' }))),
  'failed-not-sent': viewOf(
    failed(problem('not_sent', { what: 'The provider could not be reached (ECONNREFUSED), so nothing was sent.' })),
  ),
  'unknown-cut': viewOf(unknown(problem('connection_lost'))),
  'unknown-timeout': viewOf(
    unknown(problem('timeout', { what: 'No answer came within 300 s (JIMENG_VIDEO_API_TIMEOUT).' })),
  ),
  'unknown-interrupted': viewOf(unknown(problem('interrupted'))),
  'not-found': viewOf(taskOf({ status: 'not_found', ...ACCEPTED, ...FINISHED_AT, error: problem('not_found') })),
  'not-found-adopted': viewOf(
    taskOf({
      ...{ status: 'not_found', ...ACCEPTED, ...FINISHED_AT, attempts: 0, error: problem('not_found') },
      request: { mode: 't2v_720p', notes: [] },
    }),
  ),
  'expired-at-provider': viewOf(taskOf({ status: 'expired', ...ACCEPTED, ...FINISHED_AT, error: problem('expired') })),
  'expired-unsent': viewOf(
    (() => {
      const { sentAt: _, ...unsent } = taskOf({ status: 'expired', attempts: 0, ...FINISHED_AT });
      return unsent;
    })(),
  ),
  cancelled: viewOf(taskOf({ status: 'cancelled', ...FINISHED_AT })),
};

/** A list of some of them. */
export function listViewOf(views: readonly TaskView[], more: Partial<ListView> = {}): ListView {
  const tasks = views.map(({ task }, index) => ({ ...task, id: `jv-mf0h5s00-k7m${String(index).padStart(2, '0')}` }));
  const counts: Record<string, number> = {};
  for (const { status } of tasks) counts[status] = (counts[status] ?? 0) + 1;
  const queued = views.flatMap(({ queue }, index) =>
    queue === undefined ? [] : [[tasks[index]?.id ?? '', queue] as const],
  );
  const persons = views.flatMap(({ person }, index) =>
    person === undefined ? [] : [[tasks[index]?.id ?? '', person] as const],
  );
  return {
    now: NOW,
    tasks,
    queue: new Map(queued),
    total: tasks.length,
    counts,
    persons: new Map(persons),
    stuck: 0,
    spending: { last24hFen: 140, allTimeFen: 1260, pendingFen: 280, budget: { fen: 2000, leftFen: 1580 } },
    sandbox: false,
    ...more,
  };
}
