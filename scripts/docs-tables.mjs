/** The generated tables of the documentation, in English and Chinese, from the sources. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { PROBLEMS_IN_CHINESE } from './docs-problems-zh.mjs';
import * as words from './docs-words.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const ENTRY = `
export { CLIENT_LIMITS, CLIENTS, KEYS, launchOn } from './src/cli/setup-clients.ts';
export { storyboardSchema } from './src/cli/storyboard-file.ts';
export { CAMERA_TEMPLATES, FRAMES_OF_SECONDS, MODES, priceCny } from './src/jimeng/modes.ts';
export { TOOLS } from './src/mcp/tools.ts';
export { PROBLEMS } from './src/problems.ts';
export { isErrorStatus, REPORT_STATUSES } from './src/report/report.ts';
export { readSettings, SETTINGS, valueShown } from './src/settings.ts';
export { chargeOf, TASK_STATUSES } from './src/tasks/record.ts';
`;

/** Bundled, so that a Node that does not strip types can load them. */
export async function loadSources() {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-docs-'));
  try {
    const outfile = join(folder, 'sources.cjs');
    await build({
      stdin: { contents: ENTRY, resolveDir: root, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
      define: { 'import.meta.url': 'importMetaUrl' },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
      outfile,
    });
    return createRequire(outfile)(outfile);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws Error when the words do not fit the sources: something new has none yet, or something is gone */
function requireSameNames(what, known, given) {
  const missing = known.filter((name) => !given.includes(name));
  const gone = given.filter((name) => !known.includes(name));
  if (missing.length + gone.length > 0) {
    throw new Error(`${what}: no words for [${missing}]; not in the sources: [${gone}]`);
  }
}

function table(heading, rows) {
  const columns = heading.split('|').length - 2;
  return [heading, `|${'---|'.repeat(columns)}`, ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
}

const cell = (text) => text.replaceAll('|', '\\|');
const code = (text) => `\`${text}\``;

/** `[variable, default, meaning]` of every setting, from the one table. */
function settingRows({ SETTINGS, readSettings, valueShown }, pick) {
  const read = readSettings({ environment: {}, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
  const defaultOf = (field) => {
    const value = read.settings[field];
    if (value === undefined || value.length === 0) return ['–', '–'];
    const shown = valueShown(field, read);
    return [shown, shown.replace(/ s$/, ' 秒')];
  };
  return Object.entries(SETTINGS).map(([field, { name, meaning, defaultWords }]) => [
    code(name),
    pick(defaultWords ?? defaultOf(field)),
    pick(meaning),
  ]);
}

function inputsOf(tools) {
  const users = new Map();
  for (const tool of tools) {
    for (const name of Object.keys(tool.input.shape)) users.set(name, [...(users.get(name) ?? []), tool.name]);
  }
  return users;
}

function chargeOfStatus({ chargeOf, TASK_STATUSES }, status) {
  if (status === 'checked' || status === 'refused') return 'none';
  // A film's: its shots are paid for one by one.
  if (!TASK_STATUSES.includes(status)) return 'possible';
  const charges = [chargeOf({ status, sentAt: 'sent' }), chargeOf({ status })];
  return [...new Set(charges)].join(' / ');
}

/** @returns `[name, Markdown]` of each table */
export function tables(sources, language) {
  const { MODES, CAMERA_TEMPLATES, FRAMES_OF_SECONDS, TOOLS, PROBLEMS, REPORT_STATUSES } = sources;
  const pick = (entry) => entry[words.LANGUAGES.indexOf(language)];
  const inputs = inputsOf(TOOLS);
  requireSameNames('MODES', Object.keys(MODES), Object.keys(words.MODES));
  requireSameNames(
    'TOOLS',
    TOOLS.map(({ name }) => name),
    Object.keys(words.TOOLS),
  );
  requireSameNames('INPUTS', [...inputs.keys()], Object.keys(words.INPUTS));
  requireSameNames('STATUSES', REPORT_STATUSES, Object.keys(words.STATUSES));
  requireSameNames('PROBLEMS_IN_CHINESE', Object.keys(PROBLEMS), Object.keys(PROBLEMS_IN_CHINESE));

  const rows = {
    modes: Object.entries(MODES).map(([name, mode]) => [
      ...[code(name), code(mode.reqKey), pick(words.MODES[name])],
      ...[mode.prompt, mode.image, mode.tailImage, mode.aspectRatio, mode.camera].map((need) =>
        pick(words.NEEDS[need]),
      ),
      ...Object.keys(FRAMES_OF_SECONDS).map((seconds) => `¥${sources.priceCny(name, Number(seconds)).toFixed(2)}`),
    ]),
    templates: Object.entries(CAMERA_TEMPLATES).map(([id, name]) => [code(id), name]),
    tools: TOOLS.map(({ name, cost }) => [code(name), pick(words.TOOLS[name]), pick(words.COSTS[cost])]),
    inputs: [...inputs].map(([name, users]) => [code(name), users.map(code).join(', '), pick(words.INPUTS[name])]),
    statuses: REPORT_STATUSES.map((status) => [
      code(status),
      pick(words.STATUSES[status]),
      pick(words.CHARGE[chargeOfStatus(sources, status)]),
      pick(words.YES_NO[sources.isErrorStatus(status)]),
    ]),
    settings: settingRows(sources, pick),
    errors: Object.entries(PROBLEMS).map(([name, { who, charge, what, hint }]) => {
      const texts = language === 'zh' ? PROBLEMS_IN_CHINESE[name] : [what, hint];
      return [code(name), pick(words.WHO[who]), pick(words.CHARGE[charge]), ...texts.map(cell)];
    }),
  };
  return Object.entries(rows).map(([name, cells]) => [name, table(pick(words.HEADINGS[name]), cells)]);
}
