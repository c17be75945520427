/** Does every file keep to its place: whom it imports, what it touches, how long it is and how it is called? */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Import {
  /** A path from src/ without `./`, or a package's or node's name. */
  readonly from: string;
  readonly isTypeOnly: boolean;
}
interface SourceFile {
  /** From src/. */
  readonly path: string;
  readonly text: string;
  /** Without comments: what is said there is not done. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const STATIC = /^(?:import|export)\s+(type\s)?([^'";]*?)from\s+'([^']+)'/gm;
const DYNAMIC = /(typeof )?\bimport\('([^']+)'\)/g;

function importsOf(path: string, code: string): Import[] {
  const resolve = (name: string) => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name);
  const isAllTypes = (names: string) =>
    /^\{.*\}\s*$/s.test(names) &&
    names
      .slice(1, names.lastIndexOf('}'))
      .split(',')
      .every((name) => /^\s*(type\s|$)/.test(name));
  return [
    ...[...code.matchAll(STATIC)].map(([, type, names = '', from = '']) => ({
      from: resolve(from),
      isTypeOnly: type !== undefined || isAllTypes(names),
    })),
    ...[...code.matchAll(DYNAMIC)].map(([, type, from = '']) => ({
      from: resolve(from),
      isTypeOnly: type !== undefined,
    })),
  ];
}

function filesUnder(folder: string): string[] {
  return (readdirSync(join(ROOT, folder), { recursive: true }) as string[])
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules/'));
}

const FILES: readonly SourceFile[] = filesUnder('src').map((path) => {
  const text = readFileSync(join(ROOT, 'src', path), 'utf8');
  const code = text.replace(/\/\*.*?\*\//gs, '').replace(/(^|\s)\/\/ .*$/gm, '');
  return { path, text, code, imports: importsOf(path, code) };
});

const matching = (pattern: RegExp) =>
  FILES.filter(({ code }) => pattern.test(code))
    .map(({ path }) => path)
    .sort();
const importing = (pattern: RegExp) =>
  FILES.filter(({ imports }) => imports.some(({ from }) => pattern.test(from)))
    .map(({ path }) => path)
    .sort();

/** The layers from the ground up; a file imports only from its own or a lower one. */
const LAYERS: readonly (readonly string[])[] = [
  [
    'settings',
    'nearest-name',
    'log',
    'problems',
    'provider-problems',
    'clock',
    'program-part',
    'version',
    'transports',
  ],
  ['system'],
  ['jimeng'],
  ['library', 'media'],
  ['tasks'],
  ['report'],
  ['open-service'],
  ['mcp', 'cli'],
  ['start'],
  ['main'],
];
/** The folder directly under src, or the file without its extension. */
const placeOf = (path: string) => path.split('/')[0]?.replace(/\.ts$/, '') ?? '';
const layerOf = (path: string) => LAYERS.findIndex((places) => places.includes(placeOf(path)));

/** Another folder of the same layer: mcp and cli know nothing of each other. */
const isNeighbour = (path: string, from: string) =>
  path.includes('/') && layerOf(from) === layerOf(path) && placeOf(from) !== placeOf(path);

/** Against the direction, each with its reason; types only. */
const UPWARD_TYPES = new Set([
  // Credentials are what a signature needs, and settings only read them.
  'settings.ts → jimeng/signature.ts',
]);

describe('imports', () => {
  const own = FILES.flatMap((file) =>
    file.imports.filter(({ from }) => from.endsWith('.ts')).map((item) => ({ ...item, path: file.path })),
  );

  test('are read: the finder sees every kind', () => {
    expect(own.length).toBeGreaterThan(200);
    const sample =
      "import a, { type B } from './b.ts';\nimport type { C } from './c.ts';\nawait import('./d.ts');\nexport { type E } from '../e.ts';";
    expect(importsOf('x/y.ts', sample)).toEqual([
      { from: 'x/b.ts', isTypeOnly: false },
      { from: 'x/c.ts', isTypeOnly: true },
      { from: 'e.ts', isTypeOnly: true },
      { from: 'x/d.ts', isTypeOnly: false },
    ]);
  });

  test('every file has a place', () => {
    const homeless = FILES.filter(({ path }) => layerOf(path) < 0 && placeOf(path) !== 'sandbox');
    expect(homeless.map(({ path }) => path)).toEqual([]);
  });

  test('go one way', () => {
    const upward = own
      .filter(({ path, from }) => placeOf(path) !== 'sandbox' && placeOf(from) !== 'sandbox')
      .filter(({ path, from }) => layerOf(from) > layerOf(path) || isNeighbour(path, from))
      .filter(({ path, from, isTypeOnly }) => !(isTypeOnly && UPWARD_TYPES.has(`${path} → ${from}`)));
    expect(upward.map(({ path, from }) => `${path} → ${from}`)).toEqual([]);
  });

  test('run in no circle, types apart', () => {
    const graph = new Map(
      FILES.map(({ path }) => [path, own.filter((item) => item.path === path && !item.isTypeOnly)]),
    );
    const finished = new Set<string>();
    const visit = (path: string, way: readonly string[]): void => {
      expect(way, 'a circle').not.toContain(path);
      if (finished.has(path)) return;
      for (const { from } of graph.get(path) ?? []) visit(from, [...way, path]);
      finished.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
  });

  test('the sandbox knows the modes and the signature of the product, and nothing else of it', () => {
    const taken = own.filter(({ path, from }) => placeOf(path) === 'sandbox' && placeOf(from) !== 'sandbox');
    expect([...new Set(taken.map(({ from }) => from))].sort()).toEqual(['jimeng/modes.ts', 'jimeng/signature.ts']);
  });

  test('the sandbox is started by who opens the service and by its command, and loaded only then', () => {
    const takers = own.filter(({ path, from }) => placeOf(path) !== 'sandbox' && placeOf(from) === 'sandbox');
    expect(new Set(takers.map(({ path, from }) => `${path} → ${from}`))).toEqual(
      new Set(['open-service.ts → sandbox/sandbox.ts', 'cli/sandbox.ts → sandbox/sandbox.ts']),
    );
    const eager = FILES.filter(({ code }) => /^import (?!type)[^;]*from '[./]+sandbox\/sandbox\.ts'/m.test(code));
    expect(eager.map(({ path }) => path)).toEqual([]);
  });

  test('trying again is not for who pays: neither submit nor the API can reach it', () => {
    const retriers = importing(/^tasks\/retry\.ts$/);
    expect(
      retriers.every((path) =>
        ['tasks/watch.ts', 'tasks/finish.ts', 'tasks/queue.ts', 'tasks/sender.ts'].includes(path),
      ),
      String(retriers),
    ).toBe(true);
    for (const start of ['tasks/submit.ts', 'jimeng/api.ts']) {
      const reached = new Set<string>();
      const walk = (path: string): void => {
        if (reached.has(path)) return;
        reached.add(path);
        for (const item of own) if (item.path === path && !item.isTypeOnly) walk(item.from);
      };
      walk(start);
      expect(reached.size).toBeGreaterThan(3);
      expect([...reached].filter((path) => /retry|queue|sender|watch/.test(path))).toEqual([]);
    }
  });
});

/** What it is → the pattern that touches it → the only files that may. */
const TOUCHES: [what: string, RegExp, files: string[]][] = [
  ['the environment', /\bprocess\s*\.\s*env\b|process\[|\benv\b.*from 'node:process'/, ['settings/surroundings.ts']],
  ['the working directory', /\bprocess\.cwd\b|\bprocess\.chdir\b/, ['settings/surroundings.ts']],
  ['stdout', /\bprocess\.stdout\b/, ['start.ts', 'cli/*']],
  ['stdin', /\bprocess\.stdin\b/, ['start.ts', 'cli/*']],
  ['stderr, but for the log', /\bprocess\.stderr\b/, ['main.ts', 'start.ts', 'cli/*']],
  ['the console', /\bconsole\.(log|error|warn|info|debug|trace|dir|table)\b/, []],
  [
    'the end of the process',
    /\bprocess\.(exit|abort|kill|exitCode)\b/,
    ['main.ts', 'start.ts', 'cli/*', 'tasks/process-identity.ts'],
  ],
  [
    'the clock',
    /\bDate\.now\b|\bnew Date\(\s*\)|\bsetTimeout\b|\bsetInterval\b|\bperformance\b|node:timers/,
    [
      'clock.ts',
      // The product takes nothing from the sandbox, and the sandbox no clock from it; its time comes in as `now`.
      'sandbox/sandbox.ts',
    ],
  ],
  // A request and a worker are real: no test speeds them up, and an abort signal is what undici and Worker take.
  [
    'a time limit of the system',
    /\bAbortSignal\.timeout\b/,
    ['jimeng/api.ts', 'media/image/convert.ts', 'media/clip/thread.ts'],
  ],
  [
    'the system’s own clock, past an injected one',
    /\bsystemClock\b/,
    // lease, durable-file and closed-folder compare with the file system's times; the others are where a clock is injected from.
    [
      'clock.ts',
      'open-service.ts',
      'mcp/stdio-server.ts',
      'mcp/handlers.ts',
      'cli/*',
      'tasks/lease.ts',
      'tasks/durable-file.ts',
      'tasks/closed-folder.ts',
      // A start of its own, where the system does not tell it.
      'tasks/process-identity.ts',
    ],
  ],
];

/** Packages and parts of Node → the only files that may import them. */
const IMPORTERS: [what: string, RegExp, files: string[]][] = [
  ['the MCP SDK', /^@modelcontextprotocol\//, ['mcp/stdio-server.ts']],
  ['undici', /^undici$/, ['network.ts', 'jimeng/api.ts', 'media/download*']],
  ['the MCP SDK', /^@modelcontextprotocol\//, ['mcp/server.ts']],
  ['undici', /^undici$/, ['system/network.ts', 'jimeng/api.ts', 'media/download/*']],
  ['the command line’s library', /^commander/, ['cli/*']],
  ['pino', /^pino/, ['log.ts']],
  ['mediabunny', /^mediabunny/, ['media/clip/*']],
  ['the picture codecs', /^(@jsquash\/|modern-gif$)/, ['media/image/worker.ts']],
  ['programs', /^node:child_process$/, ['media/clip-ffmpeg-run.ts']],
  ['name look-up', /^node:dns/, ['media/download/link.ts']],
  ['a server', /^node:https?2?$/, ['sandbox/*']],
  ['programs', /^node:child_process$/, ['media/clip/run-program.ts']],
  [
    'threads',
    /^node:worker_threads$/,
    ['media/image/convert.ts', 'media/image/worker.ts', 'media/clip/thread.ts', 'media/clip/worker.ts'],
  ],
  ['name look-up', /^node:dns/, ['media/download-link.ts']],
  // A type of it tells how a download's headers look.
  ['a server', /^node:https?2?$/, ['sandbox/*', 'media/download-answer.ts']],
  [
    'files',
    /^node:fs/,
    [
      'media/image/file.ts',
      'media/image/worker.ts',
      'media/download/part-file.ts',
      'media/clip-*',
      'media/download-part.ts',
      'media/output.ts',
      'media/output-publish.ts',
      'media/clip/*',
      'tasks/durable-file.ts',
      'tasks/closed-folder.ts',
      'tasks/claims.ts',
      'tasks/journal.ts',
      'tasks/lease.ts',
      'tasks/leftovers.ts',
      'tasks/past-times.ts',
      'tasks/queue.ts',
      'tasks/save.ts',
      'tasks/prepare.ts',
      // /proc tells when a process started; user-dirs.dirs how the desktop names its folders.
      'tasks/process-identity.ts',
      'settings/user-folders.ts',
      'make-folders.ts',
      'start.ts',
      'system/files.ts',
      'start/kept-script.ts',
      'sandbox/inputs.ts',
      'sandbox/clip/*',
      'cli/*',
    ],
  ],
];

const isAllowed = (path: string, files: readonly string[]) =>
  files.some((file) => (file.endsWith('*') ? path.startsWith(file.slice(0, -1)) : path === file));

describe('who may touch what', () => {
  test.each(TOUCHES)('%s', (_what, pattern, files) => {
    expect(matching(pattern).filter((path) => !isAllowed(path, files))).toEqual([]);
  });
  test.each(IMPORTERS)('%s', (_what, pattern, files) => {
    expect(importing(pattern).filter((path) => !isAllowed(path, files))).toEqual([]);
  });
  test('no permission is kept that nobody uses', () => {
    const idle = [
      ...TOUCHES.flatMap(([what, pattern, files]) => files.map((file) => ({ what, file, users: matching(pattern) }))),
      ...IMPORTERS.flatMap(([what, pattern, files]) =>
        files.map((file) => ({ what, file, users: importing(pattern) })),
      ),
    ].filter(({ file, users }) => !file.startsWith('cli/') && !users.some((path) => isAllowed(path, [file])));
    expect(idle.map(({ what, file }) => `${what}: ${file}`)).toEqual([]);
  });
});

describe('every file', () => {
  const all = ['src', 'test'].flatMap((folder) => filesUnder(folder).map((path) => `${folder}/${path}`));

  test('has at most 400 lines', () => {
    const lines = (path: string) => readFileSync(join(ROOT, path), 'utf8').split('\n').length - 1;
    expect(all.filter((path) => lines(path) > 400)).toEqual([]);
  });

  test('says in its first line what it is about', () => {
    const silent = FILES.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('is named after its question, not after nothing, and so is its folder', () => {
    const words = (path: string) => [...dirname(path).split('/'), basename(path).replace(/\..*$/, '')];
    const nameless = all.filter((path) =>
      words(path).some((word) => /^(utils?|common|helpers?|types?|misc|shared)$/.test(word)),
    );
    expect(nameless).toEqual([]);
  });
});
