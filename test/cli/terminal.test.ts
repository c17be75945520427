/** What does a person see at a terminal? One line that is rewritten, and then the report. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PROGRAM, startCommand } from '../support/run-command.ts';
import { setStage } from './stage.ts';

/** util-linux's; others of the same name have other options. */
const SCRIPT = '/usr/bin/script';
/** To the first column, and the line emptied. */
const WIPED = '\u001b[1G\u001b[2K';
const canMakeTerminal =
  process.platform === 'linux' && existsSync(SCRIPT) && spawnSync(SCRIPT, ['--version']).stdout?.includes('util-linux');

it.runIf(canMakeTerminal)('progress is one line on a terminal, gone before the report', async (context) => {
  const stage = await setStage(context, { generationSeconds: 0.5 });
  const command = `${process.execPath} ${PROGRAM} generate 'a cat'`;
  const place = { env: { ...stage.env, TERM: 'xterm' }, workingDir: stage.workingDir };
  const { code, stdout } = await startCommand(['-qec', command, '/dev/null'], place, SCRIPT).result;
  const [progress = '', report = ''] = stdout.split('**Generated Video:**');
  const lines = progress.split(WIPED);
  expect(lines.pop()).toBe('');
  for (const line of lines)
    expect(line).toMatch(
      /^jv-[0-9a-z-]+: (submitting|in queue|generating|saving), \d+ s so far(, usually 2 to 10 minutes)?$/,
    );
  expect(lines.length).toBeGreaterThan(0);
  expect(report).toContain('- Save Path: ');
  expect(code).toBe(0);
});
