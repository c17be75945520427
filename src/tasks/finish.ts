/** What is left to do for a video that the provider has finished? It is saved, and its link kept fresh. */
import type { QueryOutcome } from '../jimeng/api.ts';
import { modeOfReqKey, priceCny } from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import { isPastLife, linkOf } from './after-query.ts';
import { iso, type TaskContext } from './context.ts';
import type { TaskRecord } from './record.ts';
import { delayBefore, QUERY_DELAYS } from './retry.ts';
import { placeOf, saveVideo } from './save.ts';
import { errorOf } from './submit.ts';

/** A fresh link is worth this many queries: one blip must not leave a finished video unsaved. */
const FRESH_LINK_QUERIES = 5;
/** Beside a file it is a convenience that nobody should wait long for. */
const FILE_LINK_QUERIES = 2;

/**
 * Saves what is done, and closes the record. The caller holds the task's lease. A video that cannot be saved is
 * `done` all the same: the record has its link, and why.
 */
export async function finish(context: TaskContext, record: TaskRecord, signal: AbortSignal): Promise<TaskRecord> {
  const { journal, clock, changes } = context;
  const { destination, video } = record;
  let saved = record;
  let remembered = record;
  if (destination !== null && video !== undefined) {
    try {
      const { error: _, ...unsaved } = record;
      saved = await saveVideo(context, {
        record: { ...unsaved, video },
        destination: placeOf(destination),
        freshUrl: (abort) => freshUrl(context, record, FRESH_LINK_QUERIES, abort),
        signal,
        // A state folder that is full for a while must not keep a paid video from its place.
        remember: async (finishing) => {
          remembered = finishing;
          await journal.writeOrKeep(finishing);
        },
      });
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = error instanceof Problem ? error : new Problem('save_failed', { cause: error });
      context.log.warn('video not saved', { task: record.id, code: problem.code });
      // What finds the whole file that could not be named, so that it is not fetched again.
      saved = { ...remembered, error: errorOf(problem) };
    }
  }
  const done: TaskRecord = {
    ...saved,
    ...priceOfAdopted(saved),
    status: 'done',
    finished_at: record.finished_at ?? iso(clock.now()),
  };
  await journal.writeOrKeep(done);
  context.log.info('done', { task: record.id, saved: done.video?.file !== undefined });
  changes.notify();
  return done;
}

/** Beside its price, which is known then. */
const MADE_ELSEWHERE = 'made elsewhere: the prompt is not known here';

/** What a task that was made elsewhere cost is told by its file: the provider makes 5 or 10 seconds. */
function priceOfAdopted(record: TaskRecord): Partial<TaskRecord> {
  const seconds = record.video?.file?.facts?.duration_seconds;
  const mode = modeOfReqKey(record.req_key);
  if (record.estimated_cny !== undefined || seconds === undefined || mode === undefined) return {};
  const billed = seconds > 7.5 ? 10 : 5;
  return {
    billed_seconds: billed,
    estimated_cny: priceCny(mode, billed),
    request: { ...record.request, notes: [MADE_ELSEWHERE] },
  };
}

/** @throws Problem not_found, save_failed: why there is none, and what mends it; the signal's reason */
async function freshUrl(
  context: TaskContext,
  record: TaskRecord,
  queries: number,
  signal: AbortSignal,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await askAtOnce(context, record, signal);
    if (outcome.kind === 'done') return outcome.url;
    const tried = 'The link had expired, and no fresh one was to be had';
    // A young task's not_found may be a moment's.
    const isOver = isPastLife(record, context.clock.now());
    if (outcome.kind === 'expired' || (isOver && (outcome.kind === 'not_found' || outcome.kind === 'failed'))) {
      const what = `${tried}: the provider does not have the video any more.`;
      throw new Problem('not_found', { what, mend: 'ask the user before paying for it again' });
    }
    // What somebody has to mend is told at once.
    const isOperators = 'problem' in outcome && outcome.problem.who === 'operator';
    if (attempt === queries || isOperators) throw noFreshLink(tried, outcome);
    await context.clock.sleep(delayBefore(attempt, QUERY_DELAYS, Math.random()), signal);
  }
}

function noFreshLink(tried: string, outcome: Exclude<QueryOutcome, { kind: 'done' }>): Problem {
  if (!('problem' in outcome)) {
    return new Problem('save_failed', { what: `${tried}: the provider says "${outcome.kind}".` });
  }
  const { message, mend, providerCode } = outcome.problem;
  return new Problem('save_failed', {
    what: `${tried}: ${message}`,
    mend,
    ...(providerCode === undefined ? {} : { providerCode }),
  });
}

/**
 * A link that is good for an hour again.
 * @throws Problem not_found, save_failed: why there is none, and what mends it; the signal's reason
 */
export async function freshLink(
  context: TaskContext,
  record: TaskRecord,
  signal: AbortSignal,
): Promise<ReturnType<typeof linkOf>> {
  const queries = record.video?.file === undefined ? FRESH_LINK_QUERIES : FILE_LINK_QUERIES;
  return linkOf(await freshUrl(context, record, queries, signal), context.clock.now());
}

/** Somebody, or a download, waits for the answer. */
async function askAtOnce(context: TaskContext, record: TaskRecord, signal: AbortSignal): Promise<QueryOutcome> {
  await context.queryBudget.take(true, signal).come;
  signal.throwIfAborted();
  return await context.api.query(record.req_key, record.provider_task_id ?? '', signal);
}
