/** The command that checks everything a video needs and reports what to fix. */
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { createLog } from '../log.ts';
import { capitalised } from '../report/text.ts';
import { readSettings, surroundings } from '../settings.ts';
import { VERSION } from '../version.ts';
import type { Check } from './doctor-computer.ts';
import { examine, type Finding, type ShownSetting } from './doctor-examine.ts';
import type { Capability } from './doctor-provider.ts';
import { EXIT } from './outcome.ts';
import { listenForInterruption } from './session.ts';
import type { Terminal } from './terminal.ts';

export function addDoctor(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('doctor')
    .summary('check whether videos can be made, and what to fix')
    .description(
      'Checks whether videos can be made, and says what to fix. Examines the settings, the folders or the storage, the shared database, who may use a server, ffmpeg, the connection to the provider, the clock, the keys, and which of 720P, 1080P and Pro are opened. Free. Exit codes: 0 nothing to fix, 1 something to fix, 2 a setting is wrong.',
    )
    .option('--json', 'print what was found as JSON')
    .option(
      '--accept-store',
      'let paid calls go on with a shared database that was replaced, after its tasks were checked',
    )
    .action(async ({ json, acceptStore }: { json?: boolean; acceptStore?: boolean }) => {
      end(await doctor(terminal, json === true, acceptStore === true));
    });
}

async function doctor(terminal: Terminal, isJson: boolean, acceptsStore: boolean): Promise<number> {
  const from = surroundings();
  const { given, settings } = readSettings(from);
  const log = createLog(given.includes('LOG_LEVEL') ? settings.logLevel : 'warn');
  const { signal, stopListening } = listenForInterruption();
  try {
    const onStep = (doing: string) => terminal.showProgress(`${doing} …`);
    const finding = await examine(from, { clock: systemClock, log, signal, onStep, acceptsStore });
    await terminal.print(isJson ? JSON.stringify(jsonOf(finding), null, 2) : textOf(finding));
    if (finding.isSettingWrong) return EXIT.wrongUsage;
    return isWell(finding) ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (!signal.aborted) throw error;
    terminal.say('Interrupted.');
    return EXIT.failed;
  } finally {
    stopListening();
  }
}

function isWell({ checks, capabilities }: Finding): boolean {
  return checks.every(({ status }) => status !== 'fix') && capabilities.every(({ verdict }) => verdict === 'ready');
}

function jsonOf(finding: Finding): object {
  const { verdict: message, checks, isSettingWrong: _, ...rest } = finding;
  const shown = checks.map(({ isBlocking: __, ...check }) => check);
  return { status: isWell(finding) ? 'ok' : 'fix', message, version: VERSION, ...rest, checks: shown };
}

type Line = readonly [name: string, text: string];

function textOf({ verdict, capabilities, checks, settings }: Finding): string {
  const lineOf = ({ name, message, hint }: Check | Capability): Line => {
    const advice = hint === undefined ? '' : ` ${capitalised(hint)}.`;
    return [name, `${message}${advice}`];
  };
  const linesOf = (...wanted: readonly Check['status'][]) =>
    checks.filter(({ status }) => wanted.includes(status)).map(lineOf);
  return [
    verdict,
    ...section('To fix', linesOf('fix')),
    ...section('Capabilities', capabilities.map(lineOf)),
    ...section('Ignored', linesOf('ignored')),
    ...section('Checks', linesOf('ok', 'info')),
    ...section('Settings', settings.map(settingLine)),
  ].join('\n');
}

function settingLine({ name, value, source }: ShownSetting): Line {
  const shownSource = source === 'invalid' ? 'default, because the value that is set is not valid' : source;
  return [name, /^(set \(|not set$)/.test(value) ? value : `${value} (${shownSource})`];
}

function section(title: string, lines: readonly Line[]): string[] {
  if (lines.length === 0) return [];
  const width = Math.max(...lines.map(([name]) => name.length));
  return ['', title, ...lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)];
}
