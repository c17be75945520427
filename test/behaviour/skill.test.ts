/** The skill keeps the rules of Agent Skills (agentskills.io/specification), and each of its commands works as it is written. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MODE_NAMES } from '../../src/jimeng/modes.ts';
import { readSettings } from '../../src/settings.ts';
import { NAME, VERSION } from '../../src/version.ts';
import { makeJpeg } from '../support/pictures.ts';
import { PROGRAM } from '../support/run-command.ts';
import { startSandbox } from '../support/sandbox.ts';
import { makeWorkspace } from '../support/workspace.ts';

const FOLDER = fileURLToPath(new URL('../../skills/jimeng-video/', import.meta.url));
const read = (path: string) => readFileSync(join(FOLDER, path), 'utf8');
const skill = read('SKILL.md');
const [, frontmatter = '', body = ''] = skill.split(/^---$/m);
const fields = parse(frontmatter) as Record<string, unknown> & { metadata: Record<string, string> };

/** What the document that this skill grew from promises. */
const PROMISED = {
  options: ['--mode', '--duration', '--fps', '--image', '--tail-image', '--seed', '--output', '--json'],
  variables: [
    ...['VOLC_ACCESSKEY', 'VOLC_SECRETKEY', 'JIMENG_VIDEO_API_URL', 'JIMENG_VIDEO_API_TIMEOUT'],
    ...['JIMENG_VIDEO_POLL_INTERVAL', 'JIMENG_VIDEO_MAX_POLL_ATTEMPTS'],
  ],
  codes: ['50411', '50511', '50412', '50429', '50500', 'timeout'],
  result: [
    '**Generated Video:**',
    '[Download Video](VIDEO_URL)',
    '**Generation Info:**',
    ...['- Prompt: ', '- Duration: ', '- Mode: ', '- FPS: ', '- Save Path: '],
  ],
};

function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block ?? '');
  return blocks.flatMap((block) => block.split('\n').filter((line) => line !== ''));
}

describe('the skill', () => {
  it('has the frontmatter of the specification: a name that is its folder, and texts of the allowed length', () => {
    const known = ['name', 'description', 'license', 'compatibility', 'metadata', 'allowed-tools'];
    expect(known).toEqual(expect.arrayContaining(Object.keys(fields)));
    expect(fields.name).toBe('jimeng-video');
    expect(fields.name).toMatch(/^(?!.*--)[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
    expect(String(fields.description).length).toBeLessThanOrEqual(1024);
    expect(String(fields.compatibility).length).toBeLessThanOrEqual(500);
    for (const value of Object.values(fields.metadata)) expect(typeof value).toBe('string');
    expect(fields.metadata.version).toBe(VERSION);
  });

  it('is under 500 lines, brings no scripts, and has its references one level deep', () => {
    expect(skill.split('\n').length).toBeLessThan(500);
    const files = readdirSync(FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of files) {
      expect(file.name).toMatch(/\.md$/);
      expect([FOLDER, join(FOLDER, 'references/')]).toContain(join(file.parentPath, '/'));
    }
    for (const file of files.filter(({ name }) => name !== 'SKILL.md')) {
      expect(skill).toContain(`(references/${file.name})`);
      expect(read(`references/${file.name}`)).not.toMatch(/\]\((?!https?:)/);
    }
  });

  it('declares variables that the program reads, and names every setting', () => {
    const asked = new Set<string>();
    const environment = new Proxy({}, { get: (_, name) => void asked.add(String(name)) });
    readSettings({ environment, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
    const { 'required-variables': required = '', 'optional-variables': optional = '' } = fields.metadata;
    expect([...asked]).toEqual(expect.arrayContaining(`${required} ${optional}`.split(' ')));
    for (const name of PROMISED.variables) expect(body).toContain(`\`${name}\``);
  });

  it('holds what its source document promises: modes, options, codes and the form of the result', () => {
    for (const mode of MODE_NAMES) expect(body).toContain(`\`${mode}\``);
    for (const option of PROMISED.options) expect(body).toContain(`\`${option}\``);
    for (const code of PROMISED.codes) expect(body).toContain(`\`${code}\``);
    for (const line of PROMISED.result) expect(body).toContain(`\n${line}`);
  });

  it('starts exactly this version, everywhere', () => {
    const commands = readdirSync(FOLDER, { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) => commandsIn(read(path)));
    expect(commands.length).toBeGreaterThan(15);
    for (const command of commands) expect(command.startsWith(`npx -y ${NAME}@${VERSION} `), command).toBe(true);
  });

  it('has commands that all work in the sandbox, one after the other', { timeout: 300_000 }, async () => {
    const sandbox = await startSandbox({ generationSeconds: 0.05, requestsPerSecond: 1000 });
    const workspace = makeWorkspace(sandbox);
    try {
      const inFolder = (name: string) => join(workspace.workingDir, name);
      for (const name of ['photo.jpg', 'last.jpg']) writeFileSync(inFolder(name), await makeJpeg(640, 360));
      const [, storyboard = ''] = /^```yaml\n([\s\S]*?)^```/m.exec(read('references/films.md')) ?? [];
      writeFileSync(inFolder('film.yaml'), storyboard);
      // In the place of npx: the built program, for exactly the arguments that npx would take.
      const npx = `npx() { [ "$1 $2" = "-y ${NAME}@${VERSION}" ] || return 99; shift 2; "${process.execPath}" "${PROGRAM}" "$@"; }`;
      const ids = { TASK_ID: '', FILM_ID: '' };
      for (const command of [...commandsIn(skill), ...commandsIn(read('references/films.md'))]) {
        const ready = command.replace(/TASK_ID|FILM_ID/g, (name) => ids[name as keyof typeof ids]);
        const { code, output } = await runInShell(`${npx}; ${ready}`, workspace.workingDir, workspace.env);
        // What is finished cannot be withdrawn: the one command that has to fail here.
        const expected = ready.includes(' cancel ') ? 1 : 0;
        expect(code, `${ready}\n${output}`).toBe(expected);
        ids.TASK_ID ||= /\bjv-[\w-]+/.exec(output)?.[0] ?? '';
        ids.FILM_ID ||= /\bjf-[\w-]+/.exec(output)?.[0] ?? '';
      }
      for (const name of ['dog_sunflowers.mp4', 'frames.jpg', 'joined.mp4', 'cuts.jpg'])
        expect(existsSync(inFolder(name)), name).toBe(true);
    } finally {
      await workspace.remove();
      await sandbox.close();
    }
  });
});

function runInShell(command: string, cwd: string, env: Record<string, string>) {
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile('/bin/sh', ['-c', command], { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}
