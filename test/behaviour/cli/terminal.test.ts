/** At a terminal: one line of progress that is rewritten, then the report; and a question before a dear video. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROGRAM, startCommand } from '../../support/run-command.ts';
import { type Stage, setStage } from './stage.ts';

/** util-linux's; others of the same name have other options. */
const SCRIPT = '/usr/bin/script';
/** To the first column, and everything from there on emptied. */
const WIPED = '\u001b[1G\u001b[0J';
const canMakeTerminal =
  process.platform === 'linux' && existsSync(SCRIPT) && spawnSync(SCRIPT, ['--version']).stdout?.includes('util-linux');

it.runIf(canMakeTerminal)('progress is one line on a terminal, gone before the report', async (context) => {
  const stage = await setStage(context, { generationSeconds: 0.5 });
  const command = `${process.execPath} ${PROGRAM} generate 'a cat'`;
  const place = { env: { ...stage.env, TERM: 'xterm' }, workingDir: stage.workingDir };
  const { code, stdout } = await startCommand(['-qec', command, '/dev/null'], place, SCRIPT).result;
  const [progress = '', report = ''] = stdout.split('Video done:');
  const lines = progress.split(WIPED);
  expect(lines.pop()).toBe('');
  for (const line of lines)
    expect(line).toMatch(
      /^jv-[0-9a-z-]+: (queued|submitting|generating|saving), \d+ s so far(, usually 2 to 10 minutes)?$/,
    );
  expect(lines.length).toBeGreaterThan(0);
  expect(report).toContain('  File    ');
  expect(code).toBe(0);
});

it.runIf(canMakeTerminal)(
  'a film has a line for each shot, rewritten in place, gone before the report',
  async (context) => {
    const stage = await setStage(context, { generationSeconds: 0.5 });
    await writeFile(join(stage.workingDir, 'two.yaml'), 'shots: [{prompt: 一只狐狸}, {prompt: two}]\n');
    const command = `${process.execPath} ${PROGRAM} film two.yaml`;
    const place = { env: { ...stage.env, TERM: 'xterm' }, workingDir: stage.workingDir };
    const { code, stdout } = await startCommand(['-qec', command, '/dev/null'], place, SCRIPT).result;
    const [progress = '', report = ''] = stdout.split('Film done:');
    // From the last line up to the film's, then as above.
    const screens = progress.split(`\u001b[2A${WIPED}`);
    expect(screens.pop()).toBe('');
    for (const screen of screens)
      expect(screen).toMatch(
        /^film jf-[0-9a-z-]+: [^\r\n]+\r\n {3}1 {2}[a-z0-9, ]+ {2}一只狐狸\r\n {3}2 {2}[a-z0-9, ]+ {2}two$/,
      );
    expect(screens.length).toBeGreaterThan(1);
    expect(report).toContain('  File   ');
    expect(code).toBe(0);
  },
);

/** Types the answer as soon as the question is there. @returns all that the terminal showed */
async function answerAtTerminal(answer: string, { env, workingDir }: Stage): Promise<string> {
  const command = `${process.execPath} ${PROGRAM} generate 'a cat'`;
  const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], { env: { ...env, TERM: 'xterm' }, cwd: workingDir });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const wasAsked = shown.includes('[y/N]');
    shown += text;
    if (!wasAsked && shown.includes('[y/N]')) child.stdin.write(`${answer}\n`);
  });
  await once(child, 'close');
  return shown;
}

it.runIf(canMakeTerminal).for([
  ['y', 1],
  ['n', 0],
  ['', 0],
] as const)('a video above the limit is paid for after a yes only: %j', async ([answer, submits], context) => {
  const stage = await setStage(context, {}, { JIMENG_VIDEO_CONFIRM_ABOVE_CNY: '1' });
  const shown = await answerAtTerminal(answer, stage);
  expect(shown).toContain('This video costs about ¥1.40. Pay for it? [y/N]');
  expect(shown).toContain(submits === 1 ? 'Video done: ' : 'The user declined the price');
  expect(stage.submits()).toHaveLength(submits);
});
