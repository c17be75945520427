/** The READMEs describe the program as it is. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
const READMES = ['README.md', 'README.zh-CN.md'];
const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

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

it('the generated parts of the READMEs and of the manifest are up to date', async () => {
  const checked = run(process.execPath, [pathOf('scripts/generate-docs.mjs'), '--check']);
  await expect(checked.then(() => 'up to date')).resolves.toBe('up to date');
});

it('both READMEs name every command with exactly its options', async () => {
  const commands = await readCommands();
  expect(commands.map(([name]) => name)).toContain('generate');
  for (const path of READMES) {
    const readme = readFileSync(pathOf(path), 'utf8');
    for (const [name, options] of commands) {
      const listed = new RegExp(`^\\| \`${name}\` \\| (.*) \\|$`, 'm').exec(readme)?.[1] ?? '';
      expect(listed.match(/--[a-z-]+/g) ?? [], `${path}: ${name}`).toEqual(options);
    }
    const shown = [...readme.matchAll(/^jimeng-video-mcp ([a-z]+)/gm)].map(([, name]) => name);
    expect(new Set(shown), path).toEqual(new Set(commands.map(([name]) => name)));
  }
});

describe.each(READMES)('%s', (path) => {
  const readme = readFileSync(pathOf(path), 'utf8');

  /** The generated table of that name. */
  const part = (name: string) => readme.split(`<!-- ${name}:start -->`)[1]?.split(`<!-- ${name}:end -->`)[0] ?? '';
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
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) expect(readme).toContain(`\`${name}\``);
  });

  it('has configurations that can be pasted: every JSON block is JSON', () => {
    const blocks = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block]) => String(block));
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(() => JSON.parse(block), block).not.toThrow();
  });

  it('passes the keys to `doctor`, which does not read the configuration of a client', () => {
    expect(readme).toContain('\nVOLC_ACCESSKEY=… VOLC_SECRETKEY=… npx -y jimeng-video-mcp doctor');
  });

  it('names the same Windows files as `setup`: of the Store’s Claude Desktop, and of Claude Code', () => {
    const [path = ''] = /%LOCALAPPDATA%\S+\.json/.exec(CLIENTS['claude-desktop'].notes('windows').join(' ')) ?? [];
    expect(path).toContain('Packages');
    expect(readme.includes(`\`${path}\``), path).toBe(true);
    expect(readme).toContain('jimeng-video-mcp setup claude-code --platform windows');
    expect(readme).toContain(`\`${CLIENTS['claude-code'].file.windows}\``);
  });

  it('does not promise a refusal for a default, which counts as left out', () => {
    const defaults = { aspect_ratio: '16:9', camera_strength: 'medium' } as const;
    expect(modeProblems({ prompt: 'x', image: 'a.png', ...defaults })).toEqual([]);
    for (const [input, value] of Object.entries(defaults))
      expect(readme.replaceAll('\n', ' ')).toMatch(new RegExp(`[(（][^)）]*\`${input}\` (?:为 )?${value}[^)）]*[)）]`));
    expect(readme).toMatch(/never refused|不会被拒绝/);
  });

  it('links only to existing files', () => {
    const links = [...readme.matchAll(/\]\(([^):]+)\)/g)].map(([, link]) => String(link));
    for (const link of links) expect(() => readFileSync(pathOf(link)), link).not.toThrow();
  });

  it('uses only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(pathOf('package.json'), 'utf8')) as { scripts: object };
    const used = [...readme.matchAll(/npm run ([a-z-]+)/g)].map(([, name]) => name);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...new Set(used)]));
  });
});

it('both READMEs have the same sections and tables', () => {
  const shape = (path: string) =>
    readFileSync(pathOf(path), 'utf8')
      .split('\n')
      .flatMap((line) => /^(#+ |<!-- |```\w|\|---)/.exec(line)?.[1] ?? []);
  expect(shape('README.zh-CN.md')).toEqual(shape('README.md'));
});
