/** The READMEs and docs/ describe the program as it is, in both languages. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { CLIENTS } from '../../src/cli/setup-clients.ts';
import { CAMERA_TEMPLATES, MODE_NAMES, MODES } from '../../src/jimeng/modes.ts';
import { TOOLS } from '../../src/mcp/tools.ts';
import { PROBLEMS } from '../../src/problems.ts';
import { REPORT_STATUSES } from '../../src/report/report.ts';
import { readSettings } from '../../src/settings.ts';
import { modeProblems } from '../../src/tasks/video-request.ts';

const run = promisify(execFile);
const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string) => readFileSync(pathOf(path), 'utf8');
const LANGUAGES = [
  { language: 'English', readme: 'README.md', folder: 'docs' },
  { language: 'Chinese', readme: 'README.zh-CN.md', folder: 'docs/zh-CN' },
];
const documentsIn = (folder: string) => readdirSync(pathOf(folder)).filter((name) => name.endsWith('.md'));

async function helpOf(...command: string[]): Promise<string> {
  const written: string[] = [];
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await runCommand([...command, '--help']);
  } finally {
    stdout.mockRestore();
  }
  return written.join('');
}

/** Each command with its options. */
async function readCommands(): Promise<[name: string, options: string[]][]> {
  const names = [...(await helpOf()).matchAll(/^ {2}([a-z]+) .*$/gm)].map(([, name]) => String(name));
  const commands: [string, string[]][] = [];
  for (const name of names.filter((each) => each !== 'help')) {
    const options = [...(await helpOf(name)).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) =>
      String(option),
    );
    commands.push([name, options.filter((option) => option !== '--help')]);
  }
  return commands;
}

it('the generated parts of the documents and of the manifests are up to date', async () => {
  const checked = run(process.execPath, [pathOf('scripts/generate-docs.mjs'), '--check']);
  await expect(checked.then(() => 'up to date')).resolves.toBe('up to date');
});

describe('docs/command-line.md, in both languages,', () => {
  it('names every command with exactly its options', async () => {
    const commands = await readCommands();
    expect(commands.map(([name]) => name)).toContain('generate');
    for (const { folder } of LANGUAGES) {
      const text = read(`${folder}/command-line.md`);
      for (const [name, options] of commands) {
        const listed = new RegExp(`^\\| \`${name}\` \\| (.*) \\|$`, 'm').exec(text)?.[1] ?? '';
        expect(listed.match(/--[a-z-]+/g) ?? [], `${folder}: ${name}`).toEqual(options);
      }
      const shown = [...text.matchAll(/^jimeng-video-mcp ([a-z]+)/gm)].map(([, name]) => name);
      expect(new Set(shown), folder).toEqual(new Set(commands.map(([name]) => name)));
    }
  });
});

describe.each(LANGUAGES)('the $language README', ({ readme: path }) => {
  const readme = read(path);

  it('is under 12,000 bytes, and begins with three sentences and a picture', () => {
    expect(Buffer.byteLength(readme)).toBeLessThan(12_000);
    const [, , introduction = '', picture] = readme.split('\n\n');
    expect(introduction.match(/[.。](?=\s|$|[^\d\s])/g)?.length).toBe(3);
    expect(picture).toMatch(/^!\[.{20,}\]\(docs\/demo\.svg\)$/);
  });

  it('keeps the two commands that try it', () => {
    expect(readme).toMatch(/^npm ci && npm run demo\b/m);
    expect(readme).toMatch(/^npm ci && npm test\b/m);
  });

  it('repeats figures of docs/promise.md, and no others', () => {
    const figures = read('docs/promise.md');
    const table = readme.split('|---|---|\n')[1]?.split('\n\n')[0] ?? '';
    const numbers = table.match(/\d[\d,]*/g) ?? [];
    expect(numbers.length).toBeGreaterThan(8);
    for (const number of numbers) expect(figures).toMatch(new RegExp(`\\b${number}\\b`));
  });

  it('passes the keys to `doctor`, which does not read the configuration of a client', () => {
    expect(readme).toContain('\nVOLC_ACCESSKEY=… VOLC_SECRETKEY=… npx -y jimeng-video-mcp doctor');
  });
});

describe.each(LANGUAGES)('the $language documents', ({ readme, folder }) => {
  const text = [readme, ...documentsIn(folder).map((name) => `${folder}/${name}`)].map(read).join('\n\n');

  /** The generated table of that name. */
  const part = (name: string) => text.split(`<!-- ${name}:start -->`)[1]?.split(`<!-- ${name}:end -->`)[0] ?? '';
  const rows = (name: string) =>
    [...(part(name).split('|---|\n')[1] ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key);

  it('names every mode with its req_key, and every camera template', () => {
    expect(rows('modes')).toEqual(MODE_NAMES);
    for (const name of MODE_NAMES) expect(part('modes')).toContain(`| \`${name}\` | \`${MODES[name].reqKey}\` |`);
    expect(rows('templates')).toEqual(Object.keys(CAMERA_TEMPLATES));
  });

  it('names every tool, every status and every error code', () => {
    expect(rows('tools')).toEqual(TOOLS.map(({ name }) => name));
    expect(rows('statuses')).toEqual(REPORT_STATUSES);
    expect(rows('errors')).toEqual(Object.keys(PROBLEMS));
  });

  it('names every variable that the settings read', () => {
    const read = new Set<string>();
    const environment = new Proxy({}, { get: (_, name) => void read.add(String(name)) });
    readSettings({ environment, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
    const ours = [...read].filter((name) => /^(VOLC_|JIMENG_)/.test(name));
    expect(ours.length).toBeGreaterThan(10);
    expect(rows('settings')).toEqual(expect.arrayContaining([...ours, 'LOG_LEVEL']));
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) expect(text).toContain(`\`${name}\``);
  });

  it('has configurations that can be pasted: every JSON block is JSON', () => {
    const blocks = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block]) => String(block));
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(() => JSON.parse(block), block).not.toThrow();
  });

  it('names the same Windows files as `setup`: of the Store’s Claude Desktop, and of Claude Code', () => {
    const [path = ''] = /%LOCALAPPDATA%\S+\.json/.exec(CLIENTS['claude-desktop'].notes('windows').join(' ')) ?? [];
    expect(path).toContain('Packages');
    expect(text.includes(`\`${path}\``), path).toBe(true);
    expect(text).toContain('jimeng-video-mcp setup claude-code --platform windows');
    expect(text).toContain(`\`${CLIENTS['claude-code'].file.windows}\``);
  });

  it('does not promise a refusal for a default, which counts as left out', () => {
    const defaults = { aspect_ratio: '16:9', camera_strength: 'medium' } as const;
    expect(modeProblems({ prompt: 'x', image: 'a.png', ...defaults })).toEqual([]);
    for (const [input, value] of Object.entries(defaults))
      expect(text.replaceAll('\n', ' ')).toMatch(new RegExp(`[(（][^)）]*\`${input}\` (?:为 )?${value}[^)）]*[)）]`));
    expect(text).toMatch(/never refused|不会被拒绝/);
  });

  it('uses only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: object };
    const used = [...text.matchAll(/npm run ([a-z-]+)/g)].map(([, name]) => name);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...new Set(used)]));
  });
});

it('a document has the same sections and tables in both languages', () => {
  const shape = (path: string) =>
    read(path)
      .split('\n')
      .flatMap((line) => /^(#+ |<!-- |```\w|\|---)/.exec(line)?.[1] ?? []);
  expect(shape('README.zh-CN.md')).toEqual(shape('README.md'));
  const chinese = documentsIn('docs/zh-CN');
  for (const name of ['settings.md', 'errors.md', 'troubleshooting.md', 'films.md']) expect(chinese).toContain(name);
  for (const name of chinese) expect(shape(`docs/zh-CN/${name}`), name).toEqual(shape(`docs/${name}`));
});
