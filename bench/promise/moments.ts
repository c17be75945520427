/** Builds the program with its moments marked, so that a process dies or stops between two given lines. The product has no such hook. */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';

interface Anchor {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly text: string;
  readonly side: 'before' | 'after';
  /** Only where this expression is true. */
  readonly when?: string;
}

const API = 'src/jimeng/api.ts';
const COLLECTOR = 'src/tasks/collector.ts';
const DISK = 'src/library/disk.ts';
const SERVICE = 'src/tasks/service.ts';
const STORE = 'src/store/task-store.ts';
const QUEUE = 'src/store/task-queue.ts';
const RECOVERY = 'src/tasks/recovery.ts';
const SUBMITTER = 'src/tasks/submitter.ts';
const WATCHER = 'src/tasks/watcher.ts';

const CHECK = 'const isHeld = await store.stillHolds(claim, CLAIM_MARGIN_MILLISECONDS);';
const CLOSE = "await hold.save({ ...finished, status: 'done', finishedAt: task.finishedAt ?? clock.now() });";

/** In the order of a video's life. `written`: inside the transaction, before it is committed. */
export const ANCHORS = {
  'before the reservation': { file: SERVICE, text: 'const admission = await orProblem(', side: 'before' },
  'body written': {
    file: STORE,
    text: 'if (body !== undefined) await tx.run(sql.INSERT_BODY, { id: record.id, now: tx.now, bytes: body });',
    side: 'after',
  },
  'intent written': {
    file: STORE,
    text: 'await tx.run(sql.INSERT_TASK, this.params(reserved, { owner, slotUntil: slotOfRunning(reserved) }));',
    side: 'after',
  },
  reserved: {
    file: SERVICE,
    text: 'if (task.awaits === undefined) submitter.queue(task, call.deadline);',
    side: 'before',
  },
  'before the claim': { file: SUBMITTER, text: 'const claimed = await store.claimNext(', side: 'before' },
  'claim written': {
    file: QUEUE,
    text: 'await tx.run(sql.UPDATE_TASK, paramsOf(record, scope, { claim: token, owner, slotUntil: FOREVER }));',
    side: 'after',
  },
  claimed: { file: SUBMITTER, text: 'const done = this.sendOnce(claim)', side: 'before' },
  'before the last check': { file: SUBMITTER, text: CHECK, side: 'before' },
  'after the last check': { file: SUBMITTER, text: CHECK, side: 'after' },
  sending: { file: API, text: 'yield body;', side: 'before', when: 'beforeSending !== undefined' },
  answered: {
    file: SUBMITTER,
    text: "const outcome = isEnding ? notSent(new Problem('not_sent')) : await this.outcomeOf(claim);",
    side: 'after',
  },
  'outcome written': {
    file: STORE,
    text: 'await tx.run(sql.SETTLE_TASK, { ...this.params(record, ties), claim_was: token });',
    side: 'after',
  },
  'outcome recorded': {
    file: SUBMITTER,
    text: 'const task = await store.settle(claim, (now, ledger) => afterSubmit(now, ledger, outcome, rules), isAccepted);',
    side: 'after',
  },
  queued: { file: SUBMITTER, text: 'await pause(clock, { atMost: milliseconds, signals: [ending]', side: 'before' },
  polled: {
    file: WATCHER,
    text: "const answer = await api.query(task.reqKey, task.providerTaskId ?? '', ending);",
    side: 'after',
  },
  'before the download': { file: COLLECTOR, text: 'const delivered = await delivery.fetch({', side: 'before' },
  'mid-download': { file: 'src/media/download/download.ts', text: 'await part.append(next);', side: 'after' },
  downloaded: { file: COLLECTOR, text: 'await hold.save({ ...almost,', side: 'before' },
  "before the file's name": {
    file: COLLECTOR,
    text: 'const file = await library.publish(delivered.path, place, name',
    side: 'before',
  },
  'between its two names': { file: DISK, text: 'if (!(await this.takeName(file, target))) continue;', side: 'after' },
  named: { file: COLLECTOR, text: 'await delivery.remove(delivered.leftovers);', side: 'before' },
  'before the record is closed': { file: COLLECTOR, text: CLOSE, side: 'before' },
  closed: { file: COLLECTOR, text: CLOSE, side: 'after' },
  'takeover: dead process removed': {
    file: STORE,
    text: 'await tx.run(sql.DELETE_HOST, { id: host });',
    side: 'after',
  },
  'takeover: held': {
    file: RECOVERY,
    text: 'const held = await store.holdOrphans(HELD_TOGETHER);',
    side: 'after',
  },
} as const satisfies Record<string, Anchor>;

const DIRECTOR = 'src/films/director.ts';
const FILM_STORE = 'src/store/film-store.ts';
const FILMS = 'src/films/service.ts';
const WAITING = 'src/tasks/waiting.ts';

/** In the order of a film's life; those of its shots are above. */
export const FILM_ANCHORS = {
  'film: written': { file: FILM_STORE, text: 'await tx.run(sql.INSERT_FILM, this.params(now));', side: 'after' },
  'film: shot written': {
    file: FILM_STORE,
    text: 'await tx.run(sql.INSERT_TASK, paramsOf(now, scope, { owner }));',
    side: 'after',
  },
  'film: reserved': { file: FILMS, text: 'director.follow(film.id);\n    return await', side: 'before' },
  'film: between two shots': {
    file: WAITING,
    text: 'const { body, fingerprint } = await preparer.fill(task, template, ending);',
    side: 'before',
  },
  'film: picture being made': {
    file: 'src/media/video-frame.ts',
    text: 'await extractFrame(which, video, picture, ffmpeg,',
    side: 'before',
  },
  'film: picture made': {
    file: WAITING,
    text: 'const { body, fingerprint } = await preparer.fill(task, template, ending);',
    side: 'after',
  },
  'film: picture written': {
    file: 'src/store/awaiting-tasks.ts',
    text: 'if (body !== undefined) await tx.run(REPLACE_BODY, { id, bytes: body });',
    side: 'before',
  },
  'film: joining': { file: DIRECTOR, text: 'const result = await withLocalCopies(', side: 'before' },
  'film: joined': { file: DIRECTOR, text: 'if (!result.joined) throw misfit(', side: 'before' },
  "film: before the film's name": {
    file: DIRECTOR,
    text: 'const file = await library.publish(part, place, name, lastCheckOf(hold, content));',
    side: 'before',
  },
  'film: named': {
    file: DIRECTOR,
    text: 'const file = await library.publish(part, place, name, lastCheckOf(hold, content));',
    side: 'after',
  },
  'film: closed': { file: DIRECTOR, text: 'await hold.update((film) => withJoin(film, file));', side: 'after' },
  'retake: written': {
    file: FILM_STORE,
    text: 'await tx.run(sql.UPDATE_FILM, this.params(admission.film));',
    side: 'after',
  },
  'retake: reserved': {
    file: FILMS,
    text: 'director.follow(filmId);\n    return await this.view(reserved.film, call.caller);',
    side: 'before',
  },
  'retake: joining': { file: DIRECTOR, text: 'const ffmpeg = await this.options.ffmpeg();', side: 'before' },
  'takeover: film held': { file: DIRECTOR, text: 'const hold = await store.films.hold(id);', side: 'after' },
} as const satisfies Record<string, Anchor>;

export type Moment = keyof typeof ANCHORS;
export type FilmMoment = keyof typeof FILM_ANCHORS;

/**
 * Names every moment that was passed in the file TRACE. Dies at CRASH_AT: at once, or CRASH_AFTER milliseconds later,
 * while the program goes on. Stops at STOP_AT until somebody lets it go on.
 */
const HOOK = `
globalThis.__moment = (() => {
  const { appendFileSync } = require('node:fs');
  const { CRASH_AT, CRASH_AFTER, STOP_AT, TRACE } = process.env;
  const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); };
  let armed = true;
  return (name) => {
    if (TRACE) appendFileSync(TRACE, name + '\\n');
    if ((name !== CRASH_AT && name !== STOP_AT) || !armed) return;
    armed = false;
    if (name === STOP_AT) return process.kill(process.pid, 'SIGSTOP');
    if (!(Number(CRASH_AFTER) > 0)) die();
    const at = performance.now() + Number(CRASH_AFTER);
    const look = () => (performance.now() >= at ? die() : setImmediate(look));
    look();
  };
})();`;

export interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** @param changes rules taken out of the code, to see that the figures fall */
function marking(root: string, marked: boolean, changes: readonly Change[]): Plugin {
  return {
    name: 'moments',
    setup({ onLoad, onEnd }) {
      const left = new Set(changes);
      onEnd(({ errors }) => {
        if (errors.length === 0 && left.size > 0)
          throw new Error(`not in the build: ${[...left].map(({ file }) => file)}`);
      });
      onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
        const file = relative(root, path).replaceAll('\\', '/');
        let contents = await readFile(path, 'utf8');
        const replaceOnce = (from: string, to: string) => {
          const found = contents.split(from).length - 1;
          if (found !== 1) throw new Error(`${file} has ${found} times, instead of once: ${from}`);
          contents = contents.replace(from, () => to);
        };
        for (const change of changes.filter((one) => one.file === file)) {
          replaceOnce(change.from, change.to);
          left.delete(change);
        }
        for (const [name, anchor] of marked ? Object.entries({ ...ANCHORS, ...FILM_ANCHORS }) : []) {
          if (anchor.file !== file) continue;
          const { text, side, when }: Anchor = anchor;
          const call = `${when === undefined ? '' : `if (${when}) `}globalThis.__moment(${JSON.stringify(name)});`;
          replaceOnce(text, side === 'before' ? `${call} ${text}` : `${text} ${call}`);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}

export interface BuildOptions {
  /** The project's folder. */
  readonly root: string;
  readonly outfile: string;
  readonly marked: boolean;
  readonly changes?: readonly Change[];
  /** Default: the program itself. */
  readonly entry?: string;
}

/** @throws Error when a line that marks a moment is no longer there */
export async function buildProgram({
  root,
  outfile,
  marked,
  changes = [],
  entry = 'src/main.ts',
}: BuildOptions): Promise<string> {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22.13',
    format: 'cjs',
    logLevel: 'silent',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: {
      js: `const importMetaUrl = require('node:url').pathToFileURL(__filename).href;${marked ? HOOK : ''}`,
    },
    // What is built as it is needs no look at every file.
    plugins: marked || changes.length > 0 ? [marking(root, marked, changes)] : [],
  });
  // Clips are read and joined in a thread.
  await build({
    absWorkingDir: root,
    entryPoints: ['src/media/clip/worker.ts'],
    outfile: join(dirname(outfile), 'clip-worker.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node22.13',
    format: 'esm',
    logLevel: 'silent',
  });
  return outfile;
}
