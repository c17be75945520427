/** Import directions, who may touch what, and the size and names of files, as ARCHITECTURE.md has them. */
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
  /** Without comments. */
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
    .filter((path) => /\.tsx?$/.test(path) && !path.includes('node_modules/'));
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

/** From the ground up; a file imports only from its own or a lower layer, and not from another folder of its layer. */
const LAYERS: readonly (readonly string[])[] = [
  ['clock', 'compact', 'log', 'nearest-name', 'problems', 'program-part', 'provider-problems', 'version', 'settings'],
  ['system'],
  ['jimeng', 'transports'],
  ['library', 'media'],
  ['tasks', 'store', 'films'],
  ['report', 'compose'],
  ['app'],
  ['web'],
  ['mcp'],
  // The shared server is one of the commands; the others know nothing of MCP.
  ['serve'],
  ['cli'],
  ['start'],
  ['main'],
];
/** The folder directly under src, or the file without its extension. */
const placeOf = (path: string) => path.split('/')[0]?.replace(/\.ts$/, '') ?? '';
const layerOf = (path: string) => LAYERS.findIndex((places) => places.includes(placeOf(path)));

/** Against the layers, each with its reason. */
const EXCEPTIONS = new Set([
  // A type: credentials are what a signature needs, and settings read them.
  'settings.ts → jimeng/signature.ts',
  // Which hosts pass a proxy by, and need no encryption.
  'settings.ts → system/network.ts',
  'settings/values.ts → system/network.ts',
]);
const isException = (path: string, from: string) => EXCEPTIONS.has(`${path} → ${from}`);

/** Two folders of one layer that know each other: the seam between them is types and plain functions. */
const NEIGHBOURS: readonly (readonly [path: RegExp, from: RegExp])[] = [
  [/^media\/deliver\.ts$/, /^library\/library\.ts$/],
  // The store keeps records and says what it has; the rules that it is given are the tasks'.
  [/^store\//, /^tasks\/record\.ts$/],
  [/^store\//, /^films\/film\.ts$/],
  [/^tasks\//, /^store\/(store|engine|lease)\.ts$/],
  [/^films\//, /^(tasks\/|store\/(store|lease)\.ts$)/],
];
const isNeighbour = (path: string, from: string) =>
  layerOf(path) === layerOf(from) &&
  placeOf(path) !== placeOf(from) &&
  layerOf(path) > 0 &&
  !NEIGHBOURS.some(([one, other]) => one.test(path) && other.test(from));

const own = FILES.flatMap((file) =>
  file.imports.filter(({ from }) => from.endsWith('.ts')).map((item) => ({ ...item, path: file.path })),
);

describe('imports', () => {
  test('of every kind are found', () => {
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

  test('come from files that have a layer', () => {
    const homeless = FILES.filter(({ path }) => layerOf(path) < 0 && placeOf(path) !== 'sandbox');
    expect(homeless.map(({ path }) => path)).toEqual([]);
  });

  test('go in one direction', () => {
    const wrong = own
      .filter(({ path, from }) => placeOf(path) !== 'sandbox' && placeOf(from) !== 'sandbox')
      .filter(({ path, from }) => layerOf(from) > layerOf(path) || isNeighbour(path, from))
      .filter(({ path, from }) => !isException(path, from));
    expect([...new Set(wrong.map(({ path, from }) => `${path} → ${from}`))]).toEqual([]);
  });

  test('have no exception that nobody uses', () => {
    const used = own.map(({ path, from }) => `${path} → ${from}`);
    expect([...EXCEPTIONS].filter((exception) => !used.includes(exception))).toEqual([]);
  });

  test('have no cycles, except of types', () => {
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

  test('by the sandbox are the modes and the signature of the product only', () => {
    const taken = own.filter(({ path, from }) => placeOf(path) === 'sandbox' && placeOf(from) !== 'sandbox');
    expect([...new Set(taken.map(({ from }) => from))].sort()).toEqual(['jimeng/modes.ts', 'jimeng/signature.ts']);
  });

  test('of the sandbox are made by the app and its command, when it is started', () => {
    const takers = own.filter(({ path, from }) => placeOf(path) !== 'sandbox' && placeOf(from) === 'sandbox');
    expect(new Set(takers.map(({ path, from }) => `${path} → ${from}`))).toEqual(
      new Set(['app.ts → sandbox/sandbox.ts', 'cli/sandbox.ts → sandbox/sandbox.ts']),
    );
    const eager = FILES.filter(({ code }) => /^import (?!type)[^;]*from '[./]+sandbox\/sandbox\.ts'/m.test(code));
    expect(eager.map(({ path }) => path)).toEqual([]);
  });

  test('of the gallery’s page are of what runs in a browser, and nothing else takes from the page', () => {
    const page = FILES.filter(({ path }) => path.startsWith('web/page/')).flatMap(({ path, imports }) =>
      imports.filter(({ isTypeOnly }) => !isTypeOnly).map(({ from }) => ({ path, from })),
    );
    const taken = new Set(page.map(({ from }) => from).filter((from) => !from.startsWith('web/page/')));
    expect([...taken].sort()).toEqual([
      '../scripts/docs-problems-zh.mjs',
      'jimeng/modes.ts',
      'preact',
      'preact/hooks',
      'report/time-left.ts',
      'web/api.ts',
    ]);
    const takers = FILES.filter(({ path }) => !path.startsWith('web/page/')).filter(({ imports }) =>
      imports.some(({ from }) => from.startsWith('web/page/')),
    );
    expect(takers.map(({ path }) => path)).toEqual([]);
  });

  test('of the gallery are made by its command, when it is given; the shared server has it for each person', () => {
    const takers = own.filter(
      ({ path, from, isTypeOnly }) => placeOf(path) !== 'web' && placeOf(from) === 'web' && !isTypeOnly,
    );
    expect(takers.map(({ path, from }) => `${path} → ${from}`)).toEqual([
      'cli/gallery.ts → web/gallery.ts',
      'serve/serve.ts → web/assets.ts',
      'serve/serve.ts → web/film-api.ts',
      'serve/serve.ts → web/gallery-api.ts',
      'serve/server.ts → web/shared-gallery.ts',
      'serve/server.ts → web/shared-videos.ts',
    ]);
    expect(FILES.find(({ path }) => path === 'cli/gallery.ts')?.code).toMatch(
      /await import\('\.\.\/web\/gallery\.ts'\)/,
    );
  });

  test('of back-off are made by what is free to repeat: neither the submitter nor the client reaches it', () => {
    expect(importing(/^tasks\/backoff\.ts$/)).toEqual(['tasks/collector.ts', 'tasks/polling.ts', 'tasks/watcher.ts']);
    for (const start of ['tasks/submitter.ts', 'jimeng/api.ts']) {
      const reached = new Set<string>();
      const walk = (path: string): void => {
        if (reached.has(path)) return;
        reached.add(path);
        for (const item of own) if (item.path === path && !item.isTypeOnly) walk(item.from);
      };
      walk(start);
      expect(reached.size).toBeGreaterThan(3);
      expect([...reached].filter((path) => /backoff|watcher|collector|refresher/.test(path))).toEqual([]);
    }
  });
});

/** What → the pattern that touches it → the only files that may. */
const TOUCHES: [what: string, RegExp, files: string[]][] = [
  ['the environment', /\bprocess\s*\.\s*env\b|process\[|\benv\b.*from 'node:process'/, ['settings/surroundings.ts']],
  ['the working directory', /\bprocess\.cwd\b|\bprocess\.chdir\b/, ['settings/surroundings.ts', 'system/thread.ts']],
  ['stdout', /\bprocess\.stdout\b|\{[^}]*\bstdout\b[^}]*\} = process\b/, ['start.ts', 'cli/terminal.ts']],
  ['stdin', /\bprocess\.stdin\b/, ['start.ts', 'cli/terminal.ts']],
  ['stderr, but for the log', /\bprocess\.stderr\b/, ['main.ts', 'start.ts']],
  ['the console', /\bconsole\.(log|error|warn|info|debug|trace|dir|table)\b/, []],
  [
    'the end of the process',
    /\bprocess\.(exit|abort|kill|exitCode)\b/,
    ['main.ts', 'start.ts', 'cli/session.ts', 'cli/serve.ts'],
  ],
  [
    'the clock',
    /\bDate\.now\b|\bnew Date\(\s*\)|\bsetTimeout\b|\bsetInterval\b|\bperformance\b|node:timers/,
    // The sandbox takes nothing from the product; its time comes in as `now`. The page runs in a browser.
    ['clock.ts', 'sandbox/sandbox.ts', 'web/page/*'],
  ],
  // A request and a worker are real: no test speeds them up, and an abort signal is what undici and Worker take.
  [
    'a time limit of the system',
    /\bAbortSignal\.timeout\b/,
    ['jimeng/api.ts', 'serve/issuer-keys.ts', 'system/thread.ts'],
  ],
  [
    'the system’s clock instead of an injected one',
    /\bsystemClock\b/,
    ['clock.ts', 'app.ts', 'mcp/stdio-server.ts', 'mcp/handlers.ts', 'mcp/tool-service.ts', 'cli/*'],
  ],
  ['SQL', /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|BEGIN IMMEDIATE|PRAGMA)\b [a-z_*(]/, ['store/*']],
  ['a process id', /\bprocess\.(pid|ppid)\b/, ['log.ts', 'store/*']],
];

/** Packages and parts of Node → the only files that may import them. */
const IMPORTERS: [what: string, RegExp, files: string[]][] = [
  ['the MCP SDK', /^@modelcontextprotocol\//, ['mcp/stdio-server.ts', 'mcp/http-server.ts']],
  ['undici', /^undici$/, ['system/network.ts', 'jimeng/api.ts', 'media/download/*', 'serve/issuer-keys.ts']],
  ['the command line’s library', /^commander/, ['cli/*']],
  ['pino', /^pino/, ['log.ts']],
  ['YAML', /^yaml$/, ['cli/storyboard-file.ts', 'serve/token-file.ts']],
  ['figures for Prometheus', /^prom-client$/, ['serve/metrics.ts']],
  ['tokens of an authorization server', /^jose$/, ['serve/oauth.ts', 'serve/issuer-keys.ts']],
  ['mediabunny', /^mediabunny/, ['media/clip/*', 'sandbox/clip/draw.ts']],
  ['the picture codecs', /^@jsquash\//, ['media/image*', 'sandbox/clip/worker.ts']],
  ['the database', /^node:sqlite$/, ['store/sqlite.ts']],
  ['programs', /^node:child_process$/, ['media/clip/run-program.ts', 'system/desktop.ts']],
  ['threads', /^node:worker_threads$/, ['system/thread.ts', 'media/*', 'sandbox/clip/*']],
  ['name look-up', /^node:dns/, ['media/download/link.ts']],
  [
    'a server',
    /^node:https?2?$/,
    ['sandbox/sandbox.ts', 'web/*', 'transports/http.ts', 'mcp/http-server.ts', 'serve/server.ts'],
  ],
  [
    'files',
    /^node:fs/,
    // `start` keeps the compile cache; the user's folders are read from the desktop's file.
    [
      'media/*',
      'system/files.ts',
      'store/sqlite.ts',
      'settings/user-folders.ts',
      'start.ts',
      'sandbox/*',
      'cli/*',
      'web/video-file.ts',
      'serve/token-file.ts',
      'serve/token-lock.ts',
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
  test('the rules of tasks/ touch no file, no database and no process', () => {
    const parts = own.filter(({ path }) => path.startsWith('tasks/')).map(({ path, from }) => ({ path, from }));
    const engines = parts.filter(({ from }) =>
      /^store\/(sqlite|statements|schema|rows|task-store|task-lists)/.test(from),
    );
    expect(engines).toEqual([]);
    const node = FILES.filter(({ path }) => path.startsWith('tasks/')).flatMap(({ imports }) =>
      imports.map(({ from }) => from).filter((from) => from.startsWith('node:')),
    );
    expect([...new Set(node)].sort()).toEqual(['node:crypto', 'node:path']);
  });
  test('no permission is unused', () => {
    const idle = [
      ...TOUCHES.flatMap(([what, pattern, files]) => files.map((file) => ({ what, file, users: matching(pattern) }))),
      ...IMPORTERS.flatMap(([what, pattern, files]) =>
        files.map((file) => ({ what, file, users: importing(pattern) })),
      ),
    ].filter(({ file, users }) => !users.some((path) => isAllowed(path, [file])));
    expect(idle.map(({ what, file }) => `${what}: ${file}`)).toEqual([]);
  });
});

describe('every file', () => {
  const all = ['src', 'test'].flatMap((folder) => filesUnder(folder).map((path) => `${folder}/${path}`));

  /** Still to be split; a file that has been is taken out here. */
  const TOO_LONG = ['test/contract/store.ts'];

  test('has at most 400 lines', () => {
    const lines = (path: string) => readFileSync(join(ROOT, path), 'utf8').split('\n').length - 1;
    expect(all.filter((path) => lines(path) > 400).sort()).toEqual(TOO_LONG);
  });

  test('begins with a line that says what it does', () => {
    const silent = FILES.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('and its folder is named after what it does', () => {
    const words = (path: string) => [...dirname(path).split('/'), basename(path).replace(/\..*$/, '')];
    const nameless = all.filter((path) =>
      words(path).some((word) => /^(utils?|common|helpers?|types?|misc|shared)$/.test(word)),
    );
    expect(nameless).toEqual([]);
  });
});
