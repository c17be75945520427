/** Check everything that a video needs, and say what is to be mended. */
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { createLog } from '../log.ts';
import { capitalised } from '../report/surface.ts';
import { readSettings, surroundings } from '../settings.ts';
import { VERSION } from '../version.ts';
import type { Check } from './doctor-check.ts';
import { examine, type Finding } from './doctor-examine.ts';
import { EXIT } from './exit-codes.ts';
import { commandHere } from './here.ts';
import { listenForInterruption } from './session.ts';
import type { Terminal } from './terminal.ts';
import { inCommandWords } from './wording.ts';

export function addDoctor(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('doctor')
    .summary('check the settings, the folders, the clock, the keys and the opened capabilities')
    .description(
      'Checks the settings, the folders, ffmpeg, the way to the provider, the clock, the keys, and which capabilities are opened. Costs nothing. Exit codes: 0 all is well, 1 something is to be mended, 2 a setting is wrong.',
    )
    .option('--json', 'print what was found as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      end(await doctor(terminal, json === true));
    });
}

async function doctor(terminal: Terminal, isJson: boolean): Promise<number> {
  const from = surroundings();
  const { given, settings } = readSettings(from);
  const log = createLog(given.includes('LOG_LEVEL') ? settings.logLevel : 'warn');
  const { signal, stopListening } = listenForInterruption();
  try {
    const onStep = (doing: string) => terminal.showProgress(`${doing} …`);
    const finding = await examine(from, { clock: systemClock, log, signal, onStep });
    const toMend = finding.checks.filter(({ status }) => status === 'mend').length;
    await terminal.print(isJson ? JSON.stringify(jsonOf(finding), null, 2) : finding.checks.map(lineOf).join('\n'));
    terminal.say(toMend === 0 ? 'All is well.' : `${toMend} to mend.`);
    return finding.isSettingWrong ? EXIT.wrongUsage : toMend > 0 ? EXIT.failed : EXIT.done;
  } catch (error) {
    if (!signal.aborted) throw error;
    terminal.say('Interrupted.');
    return EXIT.failed;
  } finally {
    stopListening();
  }
}

function lineOf({ name, status, message, mend }: Check): string {
  if (mend === undefined) return `${status}   ${name}: ${message}`;
  const command = commandHere();
  return `${status} ${name}: ${inCommandWords(message, command)} ${capitalised(inCommandWords(mend, command))}.`;
}

function jsonOf({ sandbox, checks }: Finding): object {
  const isWell = checks.every(({ status }) => status === 'ok');
  return { status: isWell ? 'ok' : 'mend', version: VERSION, sandbox, checks };
}
