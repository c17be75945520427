/** The commands, and how a command line is parsed. */
import { Command, CommanderError } from 'commander';
import { NAME, VERSION } from '../version.ts';
import { addJoin, addPreview } from './clips.ts';
import { addCollect } from './collect.ts';
import { addDoctor } from './doctor.ts';
import { addFilm, addRetake } from './film.ts';
import { addGallery } from './gallery.ts';
import { addGenerate } from './generate.ts';
import { addCancel, addGet } from './get.ts';
import { addInit } from './init.ts';
import { addList } from './list.ts';
import { EXIT } from './outcome.ts';
import { addSandbox } from './sandbox.ts';
import { addServe } from './serve.ts';
import { addSetup } from './setup.ts';
import { openTerminal } from './terminal.ts';

export { isFirstRun } from './init.ts';

const EPILOGUE = `
Without a command it runs the MCP server over stdio.

Settings come from the environment: VOLC_ACCESSKEY and VOLC_SECRETKEY are needed for real videos;
JIMENG_VIDEO_API_URL=sandbox tries everything without an account and without real videos.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 still running.`;

/**
 * @param argv without the program's own two
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage or settings, 3 still running
 */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const terminal = openTerminal();
  let exitCode: number = EXIT.done;
  const end = (code: number) => {
    exitCode = code;
  };
  // Settings made here are inherited by the commands that are added after it.
  const program = new Command(NAME)
    .description("Makes videos with Volcengine's Jimeng (即梦AI) Video 3.0.")
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('Add --help for the commands and options.')
    .addHelpText('after', EPILOGUE);
  for (const add of [
    ...[addGenerate, addFilm, addRetake, addJoin, addPreview, addGet, addList, addCancel, addCollect],
    ...[addGallery, addServe, addDoctor, addInit, addSetup, addSandbox],
  ])
    add(program, terminal, end);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.excessArguments' && argv[0] === 'generate')
      terminal.say('A prompt of several words goes in quotes: "…".');
    // commander's own codes are 0 for help and version, 1 for everything that was typed wrong.
    return error.exitCode === 0 ? EXIT.done : EXIT.wrongUsage;
  }
}
