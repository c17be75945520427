/** Is there what the server needs on this computer: a Node that is new enough, folders it may write, ffmpeg? */
import { randomUUID } from 'node:crypto';
import { lstat, open, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import type { Clock } from '../clock.ts';
import { makeFolders } from '../make-folders.ts';
import { encoderOrProblem, findFfmpeg } from '../media/clip/ffmpeg.ts';
import { Problem } from '../problems.ts';
import type { Settings } from '../settings.ts';
import { type Check, fine, toMend, toMendBy } from './doctor-check.ts';

export function checkNode(version: string, least: string = packageJson.engines.node): Check {
  const [wanted = 0, running = 0] = [least, version].map((text) => {
    const [major = 0, minor = 0, patch = 0] = text.replace(/^\D+/, '').split('.').map(Number);
    return (major * 1000 + minor) * 1000 + patch;
  });
  if (running >= wanted) return fine('Node.js', version);
  return toMend('Node.js', `${version} is too old: ${least} is needed.`, 'install a newer Node.js (nodejs.org)');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

type FolderFinding = { readonly well: string } | { readonly ill: string };

function trialName(): string {
  return `.jimeng-video-mcp-${randomUUID()}`;
}

/** A folder that is there is tried with a file; of one that is not it is tried whether it could be made. */
async function folderFinding(folder: string): Promise<FolderFinding> {
  const there = await stat(folder).catch((error: unknown) => codeOf(error));
  if (typeof there !== 'string') {
    if (!there.isDirectory()) return { ill: `${folder} is a file, where a folder is needed.` };
    const trial = join(folder, trialName());
    try {
      await (await open(trial, 'wx')).close();
      await unlink(trial);
      return { well: `${folder}: exists, writable` };
    } catch (error) {
      return { ill: `${folder} cannot be written (${codeOf(error)}).` };
    }
  }
  if (there !== 'ENOENT') return { ill: `${folder} cannot be used (${there}).` };
  return await makingFinding(folder);
}

/**
 * What may be written need not take every name, and root may write everywhere but not make folders below /proc. All the
 * missing ones are made below one of another name, and removed: their own a server may be making right now.
 */
async function makingFinding(folder: string): Promise<FolderFinding> {
  const parent = await nearestThere(folder);
  const trial = join(parent, trialName());
  try {
    await makeFolders(join(trial, relative(parent, folder)));
    return { well: `${folder}: made when it is needed` };
  } catch (error) {
    return { ill: `${folder} cannot be made in ${parent} (${codeOf(error)}).` };
  } finally {
    await rm(trial, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** A link that leads nowhere is there: no folder can be made in its place. */
async function nearestThere(path: string): Promise<string> {
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  );
  return isThere || path === dirname(path) ? path : await nearestThere(dirname(path));
}

async function checkWritable(name: string, folder: string, variable: string): Promise<Check> {
  const found = await folderFinding(folder);
  if ('well' in found) return fine(name, found.well);
  return toMend(name, found.ill, `make it a folder that may be written, or set ${variable} to one`);
}

async function checkThere(folder: string, variable: string): Promise<Check[]> {
  const code = await stat(folder).then((there) => (there.isDirectory() ? undefined : 'it is no folder'), codeOf);
  if (code === undefined) return [];
  return [toMend(variable, `${folder} cannot be used (${code}).`, `correct ${variable}, or make the folder`)];
}

export async function checkFolders({ outputDir, stateDir, allowedDirs, imageDirs }: Settings): Promise<Check[]> {
  const output =
    outputDir === undefined
      ? fine('output folder', 'none: links only')
      : await checkWritable('output folder', outputDir, 'JIMENG_VIDEO_OUTPUT_DIR');
  const state = await checkWritable('state folder', stateDir, 'JIMENG_VIDEO_STATE_DIR');
  const others = [
    ...allowedDirs.map((folder) => checkThere(folder, 'JIMENG_VIDEO_ALLOWED_DIRS')),
    ...(imageDirs ?? []).map((folder) => checkThere(folder, 'JIMENG_VIDEO_IMAGE_DIRS')),
  ];
  return [output, state, ...(await Promise.all(others)).flat()];
}

/** Missing, it is nothing to mend: most videos need none. */
export async function checkFfmpeg(settings: Settings, clock: Clock, signal: AbortSignal): Promise<Check> {
  const { ffmpeg: setting, searchPath, childEnvironment: environment } = settings;
  try {
    const ffmpeg = await findFfmpeg(setting, searchPath, { clock, environment });
    if (ffmpeg === undefined) {
      return fine('ffmpeg', 'not found; only 25 and 30 frames a second and `task:ID` images need it');
    }
    const encoder = await encoderOrProblem(ffmpeg, { clock, signal });
    return fine('ffmpeg', `${ffmpeg.path}: version ${ffmpeg.version}, encodes with ${encoder}`);
  } catch (error) {
    if (error instanceof Problem) return toMendBy('ffmpeg', error);
    throw error;
  }
}
