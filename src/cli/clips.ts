/** `join` writes one MP4 of saved videos; `preview` writes a picture of one. Free. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { MAX_JOINED, MAX_PREVIEW_FRAMES, MIN_JOINED } from '../films/calls.ts';
import { Problem } from '../problems.ts';
import { type ClipReport, joinReport, previewReport, renderClipForTerminal } from '../report/clip-report.ts';
import { errorCode } from '../system/files.ts';
import { numberOption, type OutputOptions, parseInput, textOption } from './options.ts';
import { EXIT, type Outcome } from './outcome.ts';
import { runSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

const VIDEOS = `must be ${MIN_JOINED} to ${MAX_JOINED} task ids, film ids or paths`;

const joinInput = z.strictObject({
  videos: z.array(z.string()).min(MIN_JOINED, VIDEOS).max(MAX_JOINED, VIDEOS),
  audio: z.string().optional(),
  output: z.string().optional(),
});

export function addJoin(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('join')
    .summary('join saved videos into one MP4')
    .description(
      'Joins saved videos into one MP4, in order: unchanged where they fit together, else with ffmpeg. Free; nothing is sent.',
    )
    .argument('<videos...>', 'ids of tasks or films, or paths of MP4 files')
    .addOption(textOption('--audio <path>', 'sound to lay under it (m4a, mp3), cut at its end'))
    .addOption(textOption('--output <path>', 'file or folder to save to, relative to the current folder'))
    .option('--json', 'print the report as JSON')
    .action(async (videos: readonly string[], options: OutputOptions) => {
      end(await runSession(terminal, options, (session) => joined(terminal, { videos, ...options }, session)));
    });
}

async function joined(terminal: Terminal, given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { videos, audio, output } = parseInput(joinInput, given);
  const clips = await session.app.clips('save', 'read', 'preview');
  terminal.showProgress(`joining ${videos.length} videos`);
  return clipOutcome(
    joinReport(await clips.join(videos, { audio, output }, session.call(undefined)), session.phrasing),
  );
}

const FRAMES = `must be a whole number from 1 to ${MAX_PREVIEW_FRAMES}`;

const previewInput = z.strictObject({
  video: z.string().min(1, 'is empty: give the id of a task or film, or a path'),
  frames: z.int(FRAMES).min(1, FRAMES).max(MAX_PREVIEW_FRAMES, FRAMES).optional(),
  output: z.string().optional(),
});

export function addPreview(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('preview')
    .summary('write a picture of frames of a saved video')
    .description(
      'Writes a JPEG of frames of a saved video with their times; of a film, the frames on both sides of each cut. Free; needs ffmpeg.',
    )
    .argument('<video>', 'the id of a task or film, or the path of an MP4 file')
    .addOption(
      numberOption('--frames <number>', `1 to ${MAX_PREVIEW_FRAMES}; 1: a poster (default: 9, of a film up to 12)`),
    )
    .addOption(textOption('--output <path>', 'JPEG file or folder to write to (default: beside the video)'))
    .option('--json', 'print the report as JSON')
    .action(async (video: string, options: OutputOptions) => {
      end(await runSession(terminal, options, (session) => preview({ video, ...options }, session)));
    });
}

async function preview(given: Record<string, unknown>, session: Session): Promise<Outcome> {
  const { video, frames, output } = parseInput(previewInput, given);
  const clips = await session.app.clips('read', 'preview');
  const keepsPicture = output === undefined;
  const view = await clips.preview(video, { frames, keepsPicture }, session.call(undefined));
  const written = output === undefined ? {} : { picturePath: await writePicture(output, view.path, view.jpeg) };
  return clipOutcome(previewReport({ ...view, ...written }, session.phrasing));
}

/** @returns its path @throws Problem output_not_writable; nothing is overwritten */
async function writePicture(output: string, video: string, jpeg: Uint8Array): Promise<string> {
  const isFolder =
    /[/\\]$/.test(output) ||
    (await stat(output)
      .then((found) => found.isDirectory())
      .catch(() => false));
  const named = isFolder ? join(output, `${basename(video, extname(video))} preview.jpg`) : output;
  const path = resolve(/\.jpe?g$/i.test(named) ? named : `${named}.jpg`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, jpeg, { flag: 'wx' });
    return path;
  } catch (error) {
    const isThere = errorCode(error) === 'EEXIST';
    throw new Problem('output_not_writable', {
      what: isThere ? `${path} already exists.` : `${path} cannot be written (${errorCode(error)}).`,
      hint: 'give another --output',
      cause: error,
    });
  }
}

function clipOutcome(report: ClipReport): Outcome {
  return { text: renderClipForTerminal(report), json: report, exitCode: EXIT.done };
}
