/** How is a process killed between two given lines? By a build in which those lines are marked; the product has no such hook. */
import { readFile } from 'node:fs/promises';
import { build, type Plugin } from 'esbuild';

interface Anchor {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly text: string;
  readonly side: 'before' | 'after';
}

const SUBMIT = 'src/tasks/submit.ts';
const JOURNAL = 'src/tasks/journal.ts';

/** In the order of a video's life. */
export const ANCHORS = {
  'before the intent': {
    file: 'src/tasks/admit.ts',
    text: 'await context.journal.create(record, prepared.body);',
    side: 'before',
  },
  'body written': { file: JOURNAL, text: 'await writeDurably(this.bodyPath(record.id), body);', side: 'after' },
  'intent written': {
    file: 'src/tasks/admit.ts',
    text: 'await context.journal.create(record, prepared.body);',
    side: 'after',
  },
  'taken for sending': { file: 'src/tasks/queue.ts', text: 'await context.journal.write(taken);', side: 'after' },
  'before the claim': { file: SUBMIT, text: 'if (!(await journal.claim(', side: 'before' },
  claimed: { file: SUBMIT, text: 'const outcome = await context.api.submit(body);', side: 'before' },
  sending: { file: 'src/jimeng/api.ts', text: 'yield body;', side: 'before' },
  answered: { file: SUBMIT, text: 'const outcome = await context.api.submit(body);', side: 'after' },
  'answer recorded': { file: SUBMIT, text: 'await journal.writeOrKeep(record);', side: 'after' },
  queued: { file: 'src/tasks/sender.ts', text: 'const timer = clock.sleep(QUEUE_LOOK', side: 'before' },
  'in the watch': {
    file: 'src/tasks/watch.ts',
    text: "const answer = await api.query(record.req_key, record.provider_task_id ?? '', ending);",
    side: 'after',
  },
  'before the download': {
    file: 'src/tasks/watch.ts',
    text: 'return await this.finish(next, lost);',
    side: 'before',
  },
  'mid-download': { file: 'src/media/download/download.ts', text: 'await part.append(next);', side: 'after' },
  'before the rename': { file: 'src/tasks/save.ts', text: 'const file = await library.publish(', side: 'before' },
  'between the two names': {
    file: 'src/library/disk.ts',
    text: 'if (!(await this.takeName(file, target))) continue;',
    side: 'after',
  },
  'after the rename': {
    file: 'src/tasks/save.ts',
    text: 'const file = await library.publish(delivered.path, destination, fileName);',
    side: 'after',
  },
  'before the record is moved': { file: JOURNAL, text: 'if (name !== closedName) await this.move(', side: 'before' },
  'takeover marked': {
    file: 'src/tasks/lease.ts',
    text: 'if (holder?.token === token) await removeBusy(path);',
    side: 'before',
  },
  'takeover done': {
    file: 'src/tasks/lease.ts',
    text: 'if (holder?.token === token) await removeBusy(path);',
    side: 'after',
  },
} as const satisfies Record<string, Anchor>;
export type Moment = keyof typeof ANCHORS;

/**
 * Names every moment that was passed in the file TRACE, and dies at CRASH_AT: at once, or CRASH_AFTER milliseconds
 * later, while the program goes on.
 */
const HOOK = `
globalThis.__moment = (() => {
  const { appendFileSync } = require('node:fs');
  const { CRASH_AT, CRASH_AFTER, TRACE } = process.env;
  const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); };
  let armed = true;
  return (name) => {
    if (TRACE) appendFileSync(TRACE, name + '\\n');
    if (name !== CRASH_AT || !armed) return;
    armed = false;
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
    setup({ onLoad }) {
      onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
        const file = path.slice(root.length + 1);
        let contents = await readFile(path, 'utf8');
        const replaceOnce = (from: string, to: string) => {
          const found = contents.split(from).length - 1;
          if (found !== 1) throw new Error(`${file} has ${found} times, instead of once: ${from}`);
          contents = contents.replace(from, () => to);
        };
        for (const change of changes) if (change.file === file) replaceOnce(change.from, change.to);
        for (const [name, anchor] of marked ? Object.entries(ANCHORS) : []) {
          if (anchor.file !== file) continue;
          const call = `globalThis.__moment(${JSON.stringify(name)});`;
          const { text, side } = anchor;
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
}

/** @throws Error when a line that marks a moment is no longer there */
export async function buildProgram({ root, outfile, marked, changes = [] }: BuildOptions): Promise<string> {
  await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
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
  return outfile;
}
