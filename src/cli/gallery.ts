/** `gallery`: a page on this computer of everything that was made and is being made, until Ctrl-C. */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import * as z from 'zod';
import { scopeOf } from '../app.ts';
import { systemClock } from '../clock.ts';
import { Problem } from '../problems.ts';
import { type Desktop, openLink, showInFolder } from '../system/desktop.ts';
import { commandHere } from './here.ts';
import { numberOption, parseInput, portInput, rethrowListenError, textOption } from './options.ts';
import { EXIT, type Outcome } from './outcome.ts';
import { runSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

const input = z.strictObject({ port: portInput, host: z.string().optional(), open: z.boolean().optional() });

export function addGallery(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('gallery')
    .summary('show what was made and is being made, in the browser')
    .description(
      'Opens a page on this computer with everything that was made and is being made, until Ctrl-C. Nobody else on the network can reach it, and nothing can be paid for there. Free.',
    )
    .addOption(numberOption('--port <port>', 'where to listen (default: any free port)'))
    .addOption(textOption('--host <host>', '127.0.0.1 (default) or ::1: this computer only'))
    .option('--no-open', 'print the link, and do not open the browser')
    .action(async (options: Record<string, unknown>) => {
      end(await runSession(terminal, {}, (session) => gallery(terminal, options, session)));
    });
}

async function gallery(terminal: Terminal, given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { port = 0, host = '127.0.0.1', open = true } = parseInput(input, given);
  const { app, log } = session;
  const { GalleryNote, loopbackHost, openGallery } = await import('../web/gallery.ts');
  const loopback = loopbackHost(host);
  if (loopback === undefined) {
    throw new Problem('invalid_input', {
      what: `--host ${JSON.stringify(host)} is not this computer alone: whoever reaches the page sees every video.`,
      hint: 'use 127.0.0.1 or ::1; from another computer, forward the port (ssh -L)',
    });
  }
  const { settings } = app;
  const desktop = { platform: process.platform, environment: settings.childEnvironment };
  const [videos, films] = [await app.service('read'), await app.films('read')];
  const scope = scopeOf(settings.api === 'sandbox' ? 'sandbox' : settings.api.href, settings.accessKeyId);
  const note = new GalleryNote(settings.stateDir, scope, systemClock);
  const running = await note.find();
  if (running !== undefined) {
    await terminal.print(running);
    terminal.say('The gallery already runs in another terminal: this is its link.');
    if (open) await tryToOpen(running, desktop, terminal);
    return { json: {}, exitCode: EXIT.done };
  }
  const opened = await openGallery({
    ...{
      videos,
      films,
      library: await app.library(),
      caller: { kind: 'terminal' } as const,
      keys: app,
      clock: systemClock,
      log,
      host: loopback,
      port,
      command: commandHere(),
      isHere: true,
    },
    assetFolder: fileURLToPath(new URL('./gallery', import.meta.url)),
    showInFolder: (path) => showInFolder(path, desktop),
  }).catch((error: unknown) => rethrowListenError(error, port, host));
  await note.write(opened);
  await terminal.print(opened.link);
  terminal.say('The gallery runs until Ctrl-C. Whoever has this link, on this computer, sees every video.');
  if (open) await tryToOpen(opened.linkForOnce(), desktop, terminal);
  await session.interrupted();
  await note.remove(opened);
  await opened.close();
  return { json: {}, exitCode: EXIT.done };
}

async function tryToOpen(link: string, desktop: Desktop, terminal: Terminal): Promise<void> {
  await openLink(link, desktop).catch(() => terminal.say('No browser could be started: open the link yourself.'));
}
