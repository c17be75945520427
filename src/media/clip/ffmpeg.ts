/** Finds ffmpeg, its version, and an H.264 encoder of it that works. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../clock.ts';
import { Problem } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';
import { TimeLimitExceeded } from '../../system/thread.ts';
import { type Program, type RunLimits, runProgram } from './run-program.ts';

export interface Ffmpeg extends Program {
  readonly version: string;
}

/** Reading ffmpeg's version or its list of encoders takes tens of milliseconds; the first start after an update, seconds. */
const PROBE_LIMIT_MILLISECONDS = 20_000;

/** Claude Desktop and similar clients start servers with a short PATH, so the installers' own folders are searched as well. */
function usualFolders(platform: NodeJS.Platform, environment: Readonly<Record<string, string>>): string[] {
  if (platform !== 'win32') {
    return [
      '/usr/local/bin',
      '/opt/homebrew/bin',
      '/opt/local/bin',
      '/usr/bin',
      '/snap/bin',
      '/home/linuxbrew/.linuxbrew/bin',
    ];
  }
  const value = (name: string) => Object.entries(environment).find(([key]) => key.toUpperCase() === name)?.[1];
  const under = (name: string, ...rest: string[]) => {
    const folder = value(name);
    return folder === undefined ? [] : [path.win32.join(folder, ...rest)];
  };
  return [
    ...under('LOCALAPPDATA', 'Microsoft', 'WinGet', 'Links'),
    ...under('USERPROFILE', 'scoop', 'shims'),
    ...under('PROGRAMDATA', 'chocolatey', 'bin'),
    ...under('PROGRAMFILES', 'ffmpeg', 'bin'),
    'C:\\ffmpeg\\bin',
  ];
}

export interface Surroundings {
  readonly clock: Clock;
  /** What the program gets, and where Windows' own folders are. Without our keys. */
  readonly environment: Readonly<Record<string, string>>;
  readonly platform?: NodeJS.Platform;
  /** In place of the platform's own, for tests. */
  readonly usualFolders?: readonly string[];
}

/** The paths to try, in order, all absolute: an entry such as `.` would run what a working folder holds. Pure. */
export function candidatePaths(name: string, searchPath: string, surroundings: Omit<Surroundings, 'clock'>): string[] {
  const platform = surroundings.platform ?? process.platform;
  const { join, isAbsolute, delimiter } = platform === 'win32' ? path.win32 : path.posix;
  const file = platform === 'win32' && !/\.exe$/i.test(name) ? `${name}.exe` : name;
  const folders = searchPath.split(delimiter).map((folder) => folder.replace(/^"(.*)"$/, '$1'));
  const all = [...folders, ...(surroundings.usualFolders ?? usualFolders(platform, surroundings.environment))];
  return [...new Set(all.filter((folder) => isAbsolute(folder)).map((folder) => join(folder, file)))];
}

/** @returns the version when the file is an ffmpeg that runs; else why not */
async function probe(file: string, surroundings: Surroundings): Promise<{ version: string } | { reason: string }> {
  try {
    if (!(await stat(file)).isFile()) return { reason: 'it is not a file' };
    await access(file, constants.X_OK);
    const limits = { clock: surroundings.clock, timeLimitMilliseconds: PROBE_LIMIT_MILLISECONDS };
    const output = await runProgram({ path: file, environment: surroundings.environment }, ['-version'], limits);
    const version = /^ffmpeg version (\S+)/.exec(output.toString())?.[1];
    return version === undefined ? { reason: 'it does not answer like ffmpeg' } : { version };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return { reason: 'there is no such file' };
    if (code === 'EACCES') return { reason: 'it may not be run' };
    return { reason: error instanceof TimeLimitExceeded ? 'it did not answer' : 'it does not run' };
  }
}

/**
 * @param setting JIMENG_VIDEO_FFMPEG: an absolute path of ffmpeg or of its folder, or a name to look up on the PATH
 * @returns the first ffmpeg that runs: the setting alone when there is one, else the PATH's, else in the usual places
 * @throws Problem `ffmpeg_missing` when the setting names none
 */
export async function findFfmpeg(
  setting: string | undefined,
  searchPath: string,
  surroundings: Surroundings,
): Promise<Ffmpeg | undefined> {
  const { isAbsolute, join } = (surroundings.platform ?? process.platform) === 'win32' ? path.win32 : path.posix;
  const named = setting !== undefined && isAbsolute(setting);
  const isBareName = setting !== undefined && !/[\\/]/.test(setting);
  const candidates = named
    ? [setting, `${setting}.exe`, join(setting, 'ffmpeg'), join(setting, 'ffmpeg.exe')]
    : setting === undefined || isBareName
      ? candidatePaths(setting ?? 'ffmpeg', searchPath, surroundings)
      : [];

  let firstReason: string | undefined;
  for (const candidate of candidates) {
    const found = await probe(candidate, surroundings);
    if ('version' in found) return { path: candidate, version: found.version, environment: surroundings.environment };
    firstReason ??= found.reason;
  }
  if (setting === undefined) return undefined;
  const reason = named ? firstReason : isBareName ? 'it is not on the PATH' : 'it is not an absolute path';
  throw new Problem('ffmpeg_missing', {
    what: `JIMENG_VIDEO_FFMPEG is "${setting}", which is not a working ffmpeg: ${reason}.`,
    hint: 'set JIMENG_VIDEO_FFMPEG to the absolute path of ffmpeg, or remove it to have ffmpeg looked for',
  });
}

/**
 * Concurrent calls share one search, and later calls its result. After a search that found none, or threw, the next
 * call searches again, so that a user who installs ffmpeg need not restart the server.
 */
export function keepFound(find: () => Promise<Ffmpeg | undefined>): () => Promise<Ffmpeg | undefined> {
  let kept: Promise<Ffmpeg | undefined> | undefined;
  const lookUp = async () => {
    let found: Ffmpeg | undefined;
    try {
      found = await find();
    } finally {
      if (found === undefined) kept = undefined;
    }
    return found;
  };
  return () => {
    kept ??= lookUp();
    return kept;
  };
}

/** Begins every run on a file: no questions, no network, only errors on stderr. */
export const QUIET = ['-nostdin', '-hide_banner', '-v', 'error', '-protocol_whitelist', 'file,pipe'] as const;

/** Best first. Only x264 takes a quality; the others are given a bit rate. */
const H264_ENCODERS = ['libx264', 'h264_videotoolbox', 'h264_mf', 'h264_nvenc', 'h264_qsv', 'h264_amf', 'libopenh264'];
const TRIAL_SIDE_PIXELS = 256;

/** An encoder that needs a graphics card is listed on machines without one, so a grey picture is encoded as a trial. */
async function encodes(ffmpeg: Ffmpeg, encoder: string, limits: RunLimits): Promise<boolean> {
  const size = `${TRIAL_SIDE_PIXELS}x${TRIAL_SIDE_PIXELS}`;
  const picture = new Uint8Array((TRIAL_SIDE_PIXELS * TRIAL_SIDE_PIXELS * 3) / 2).fill(128);
  const reading = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', size, '-r', '24', '-i', 'pipe:0'];
  const options = [...QUIET, ...reading, '-c:v', encoder, '-f', 'null', '-'];
  try {
    await runProgram(ffmpeg, options, limits, { input: picture });
    return true;
  } catch {
    limits.signal?.throwIfAborted();
    return false;
  }
}

/** @returns an empty set when the list cannot be read */
async function listEncoders(ffmpeg: Ffmpeg, limits: RunLimits): Promise<Set<string | undefined>> {
  try {
    const output = await runProgram(ffmpeg, ['-nostdin', '-hide_banner', '-v', 'error', '-encoders'], limits);
    return new Set(
      output
        .toString()
        .split('\n')
        .map((line) => line.trim().split(/\s+/)[1]),
    );
  } catch {
    limits.signal?.throwIfAborted();
    return new Set();
  }
}

/**
 * The H.264 encoder that a conversion will use; checked before paying.
 * @throws Problem `ffmpeg_missing` when this ffmpeg has none that works
 */
export async function encoderOrProblem(ffmpeg: Ffmpeg, limits: Pick<RunLimits, 'clock' | 'signal'>): Promise<string> {
  const probeLimits = { ...limits, timeLimitMilliseconds: PROBE_LIMIT_MILLISECONDS };
  const listed = await listEncoders(ffmpeg, probeLimits);
  for (const encoder of H264_ENCODERS) {
    if (listed.has(encoder) && (await encodes(ffmpeg, encoder, probeLimits))) return encoder;
  }
  throw new Problem('ffmpeg_missing', {
    what: `The ffmpeg at "${ffmpeg.path}" (${ffmpeg.version}) has no working H.264 encoder.`,
    hint: 'install an ffmpeg with libx264, or set JIMENG_VIDEO_FFMPEG to one',
  });
}
