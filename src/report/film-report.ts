/** Builds the report of a film: a list of its shots, and what to do next. */
import { compact } from '../compact.ts';
import type { CheckedFilm, FilmView } from '../films/calls.ts';
import { isOfSandbox, type ShotState, shotStates } from '../films/film.ts';
import { chargeOf, type Task } from '../tasks/record.ts';
import type { ListReport } from './list-report.ts';
import { explained, SANDBOX, sentence, sentenceOf } from './message.ts';
import { type Fix, fixOf, type NextStep } from './next-step.ts';
import { NO_WORKER, type Phrasing } from './phrasing-tools.ts';
import { cnyOf, isoOf, type Report, shownError } from './report.ts';
import { cleanText, cut, oneLine, rounded, shownPerson, yuan } from './text.ts';

const MAX_SHOT_PROMPT_CHARACTERS = 60;
/** Of all shots together in a text. */
const MAX_NOTES = 4;

export function filmReport(view: FilmView, phrasing: Phrasing): Report {
  const { film, status, tasks, fen, join, link } = view;
  const sandbox = isOfSandbox(film, tasks);
  const facts = join?.file.facts;
  const problem = film.joinProblem ?? lostShot(view)?.task?.error;
  return compact({
    film_id: film.id,
    status,
    message: messageOf(view, phrasing),
    next_step: phrasing.nextStep(nextStepOfFilm(view)),
    title: film.title === undefined ? undefined : cleanText(film.title),
    person: view.person && oneLine(view.person),
    shots: film.shots.map((shot, index) => shotOf(shot.takes, tasks[index], index + 1)),
    film:
      join === undefined
        ? undefined
        : compact({
            url: link?.url,
            url_valid_until: isoOf(link?.validUntil),
            path: join.file.path,
            bytes: join.file.bytes,
            width: facts?.width,
            height: facts?.height,
            duration_seconds: facts?.durationSeconds,
          }),
    sandbox: sandbox ? true : undefined,
    cost: { estimated_cny: fen / 100, charge: sandbox ? ('none' as const) : chargeOfFilm(view) },
    error: status === 'waiting' || status === 'failed' ? shownError(problem) : undefined,
  });
}

export function checkedFilmReport(view: CheckedFilm, phrasing: Phrasing): Report {
  const { shots, estimatedFen, billedSeconds, notes, path, same, sandbox } = view;
  const cny = estimatedFen / 100;
  const price = `${sandbox ? 'Price outside the sandbox' : 'Estimated cost'}: ${yuan(cny)} for ${shots.length} shots (${billedSeconds} s billed).`;
  const hops = shots.filter(({ continues }) => continues).length;
  const drift =
    hops === 0 ? [] : ['Sharpness and contrast grow a little with every shot that continues; keyframes do not drift.'];
  const sentences =
    same === undefined
      ? [`Valid. ${price} It would be saved to ${oneLine(path)}.`, ...drift, ...notes.slice(0, MAX_NOTES).map(sentence)]
      : [`Valid, but the same film already exists as ${same}: the call would join it, and cost nothing.`];
  return compact({
    status: 'checked' as const,
    message: [...sentences, 'Nothing was sent.', ...(sandbox ? [SANDBOX] : [])].join(' '),
    next_step: phrasing.nextStep(compact({ action: 'make', same })),
    shots: shots.map(({ request, continues }, index) =>
      compact({
        shot: index + 1,
        mode: request.mode,
        duration: request.duration,
        continues: continues || undefined,
        prompt: request.prompt === undefined ? undefined : cut(oneLine(request.prompt), MAX_SHOT_PROMPT_CHARACTERS),
      }),
    ),
    sandbox: sandbox ? true : undefined,
    cost:
      same === undefined
        ? { estimated_cny: cny, billed_seconds: billedSeconds, charge: 'none' as const }
        : { estimated_cny: 0, charge: 'none' as const },
  });
}

export function cancelledFilmReport(
  { withdrawn, ...view }: FilmView & { readonly withdrawn: number },
  phrasing: Phrasing,
): Report {
  const report = filmReport(view, phrasing);
  const left = count(view.tasks, 'open');
  const first =
    withdrawn === 0
      ? 'Not cancelled: no shot of the film is waiting to be sent.'
      : `${withdrawn} ${withdrawn === 1 ? 'shot was' : 'shots were'} withdrawn before ${withdrawn === 1 ? 'it was' : 'they were'} sent, and ${withdrawn === 1 ? 'costs' : 'cost'} nothing.`;
  const others = left === 0 ? [] : [`${left} ${left === 1 ? 'has' : 'have'} been sent already, and cannot be stopped.`];
  return { ...report, message: [first, ...others, report.message].join(' ') };
}

/** One film of a list. */
export type FilmItem = NonNullable<ListReport['films']>[number];

export function filmItem({ film, status, tasks, fen, join, person }: FilmView): FilmItem {
  return compact({
    film_id: film.id,
    status,
    title: film.title === undefined ? undefined : cut(oneLine(film.title), MAX_SHOT_PROMPT_CHARACTERS),
    person: person && shownPerson(person),
    shots: tasks.length,
    shots_done: count(tasks, 'saved'),
    path: join?.file.path,
    cost_cny: isOfSandbox(film, tasks) || fen === 0 ? undefined : fen / 100,
  });
}

/** "3 of 5 shots are saved, 1 is generating" as one line of progress. */
export function filmProgress({ film, tasks }: FilmView): string {
  return `${film.id}: ${count(tasks, 'saved')} of ${tasks.length} shots saved (${statesOf(tasks)})`;
}

function shotOf(takes: readonly string[], task: Task | undefined, shot: number): NonNullable<Report['shots']>[number] {
  const { status = 'not_found', request, video, fen, error, sandbox } = task ?? ({} as Partial<Task>);
  const isFree = task === undefined || sandbox || (status !== 'queued' && chargeOf(task) === 'none');
  return compact({
    shot,
    task_id: takes.at(-1),
    take: takes.length,
    status: status === 'done' && video?.file === undefined ? 'not_saved' : status,
    path: video?.file?.path,
    cost_cny: isFree ? undefined : cnyOf(fen),
    prompt: request?.prompt === undefined ? undefined : cut(oneLine(request.prompt), MAX_SHOT_PROMPT_CHARACTERS),
    waits_for: task?.awaits?.[0]?.taskId,
    error: error && `${error.code}: ${cut(sentenceOf(error), 120)}`,
  });
}

function count(tasks: FilmView['tasks'], wanted: ShotState): number {
  return shotStates(tasks).filter((state) => state === wanted).length;
}

/** "2 generating, 1 queued" */
function statesOf(tasks: FilmView['tasks']): string {
  const counts = new Map<string, number>();
  for (const task of tasks) {
    const state = task === undefined ? 'lost' : task.status;
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

function messageOf(view: FilmView, phrasing: Phrasing): string {
  const { film, joined, join } = view;
  const sandbox = isOfSandbox(film, view.tasks);
  const money = sandbox ? 'nothing new was made' : 'nothing new was charged';
  return [
    ...(joined ? [`The same already exists as film ${film.id}, so ${money}.`] : []),
    ...whatHappened(view, phrasing),
    ...(join?.notes ?? []).map(sentence),
    ...(view.warning === undefined ? [] : [oneLine(view.warning)]),
    ...(sandbox ? [SANDBOX] : []),
  ].join(' ');
}

function whatHappened(view: FilmView, phrasing: Phrasing): string[] {
  const { film, status, tasks, missingFile } = view;
  const saved = `${count(tasks, 'saved')} of ${tasks.length} shots are saved`;
  if (missingFile !== undefined)
    return [`The film was joined, but ${oneLine(missingFile)} no longer exists; its shots are kept.`];
  switch (status) {
    case 'done':
      return [`The film is saved: ${tasks.length} shots, ${rounded(view.join?.file.facts?.durationSeconds ?? 0)} s.`];
    case 'cancelled':
      return ['The film was withdrawn before anything was sent; nothing was charged.'];
    case 'waiting':
    case 'failed': {
      const lost = lostShot(view);
      if (lost === undefined)
        return [`${saved}.`, ...(film.joinProblem === undefined ? [] : [sentenceOf(film.joinProblem)])];
      const open = count(tasks, 'open');
      return [`${saved}.`, lostSentence(lost, phrasing), ...(open === 0 ? [] : ['The others go on.'])];
    }
    default:
      if (count(tasks, 'saved') === tasks.length) return ['All shots are saved, and the film is being joined.'];
      return [
        `${saved} (${statesOf(tasks)}).`,
        ...(view.isUnsent
          ? [`${NO_WORKER} Those shots cost nothing yet.`]
          : view.isLeft
            ? ['The process that was to send the rest has ended.']
            : []),
      ];
  }
}

interface LostShot {
  readonly number: number;
  readonly task: Task | undefined;
}

/** The first shot that has no video and gets none without a retake. */
function lostShot({ tasks }: FilmView): LostShot | undefined {
  const index = shotStates(tasks).indexOf('lost');
  return index < 0 ? undefined : { number: index + 1, task: tasks[index] };
}

function lostSentence({ number, task }: LostShot, phrasing: Phrasing): string {
  if (task === undefined) return `Shot ${number} is no longer recorded, and may have been charged.`;
  const { status, error } = task;
  const why = error === undefined ? '' : ` ${explained(error, phrasing).join(' ')}`;
  switch (status) {
    case 'unknown':
      return `Whether shot ${number} was made is not known, and it may have been charged: the answer to its submit was lost.${why}`;
    case 'cancelled':
      return `Shot ${number} was withdrawn before it was sent.`;
    case 'expired':
      return task.sentAt === undefined
        ? `Shot ${number} was never sent: its process had ended.`
        : `Shot ${number} has expired at the provider, and may have been charged.`;
    case 'done':
      return `Shot ${number} is finished and could not be saved.${why}`;
    case 'not_found':
      return `The provider does not know shot ${number}, which may have been charged.`;
    default:
      return `Shot ${number} failed, and was not charged.${why}`;
  }
}

function nextStepOfFilm(view: FilmView): NextStep {
  const { film, status, missingFile } = view;
  const get = { taskId: film.id };
  if (missingFile !== undefined) return { action: 'join', videos: film.shots.map(({ takes }) => takes.at(-1) ?? '') };
  if (status === 'done') return { action: 'show_file' };
  if (status === 'cancelled') return { action: 'repeat_if_wanted' };
  const lost = lostShot(view);
  if (lost === undefined) {
    if (film.joinProblem !== undefined && status === 'waiting')
      return { action: 'fix_then_get', fix: fixOf(film.joinProblem), get };
    if (view.isUnsent) return { action: 'start_worker', get };
    return view.isLeft ? { action: 'get', get, to: 'send' } : { action: 'wait_for_film', filmId: film.id };
  }
  const { number, task } = lost;
  if (task?.status === 'done') return { action: 'fix_then_get', fix: fixOf(task.error ?? NO_REASON), get };
  const mayCost = task !== undefined && chargeOf(task) === 'possible';
  const asked = mayCost ? { mayCost: task.status === 'unknown' ? ('console' as const) : ('ask' as const) } : {};
  const fix = task?.error === undefined || mayCost ? {} : { fix: fixOf(task.error) };
  return { action: 'retake', filmId: film.id, shot: number, ...asked, ...fix };
}

const NO_REASON: Fix = { code: 'unknown_code', who: 'you', hint: 'ask for the task again' };

function chargeOfFilm({ tasks, status }: FilmView) {
  if (status === 'cancelled' || status === 'failed')
    return tasks.some((task) => task !== undefined && chargeOf(task) !== 'none')
      ? ('possible' as const)
      : ('none' as const);
  return count(tasks, 'saved') === tasks.length ? ('made' as const) : ('possible' as const);
}
