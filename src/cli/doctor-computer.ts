/** Checks this computer for doctor: Node, folders, ffmpeg, certificates and the proxy. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { access, constants, lstat, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Clock } from '../clock.ts';
import { encoderOrProblem, findFfmpeg } from '../media/clip/ffmpeg.ts';
import { PROBLEMS, Problem } from '../problems.ts';
import { databaseFile, type ReadSettings, SETTINGS, type Settings } from '../settings.ts';
import { filesSetAside, setAsideSentence } from '../store/sqlite.ts';
import { makeFolders } from '../system/files.ts';
import { isLoopback, type Network } from '../system/network.ts';

export interface Check {
  /** The variable, or what was checked. */
  readonly name: string;
  /** `info`: optional and absent. `ignored`: a wrong setting that nothing depends on. */
  readonly status: 'ok' | 'info' | 'ignored' | 'fix';
  /** What was found. Never a secret. */
  readonly message: string;
  /** An imperative without a full stop; only with `fix`. */
  readonly hint?: string;
  /** No video can be made before it is fixed. */
  readonly isBlocking?: true;
}

export function fine(name: string, message: string): Check {
  return { name, status: 'ok', message };
}

function info(name: string, message: string): Check {
  return { name, status: 'info', message };
}

export function toFix(name: string, message: string, hint: string): Check {
  return { name, status: 'fix', message, hint };
}

export function blocking(name: string, message: string, hint: string): Check {
  return { ...toFix(name, message, hint), isBlocking: true };
}

/** What a record with its pages in the database needs, at the least. */
const TRIAL_BYTES = 64 * 1024;

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** An existing path: the folder itself, or the nearest one above it. A link that leads nowhere exists, too. */
async function nearestExisting(path: string): Promise<string> {
  const exists = (await lstat(path).catch(() => undefined)) !== undefined;
  return exists || path === dirname(path) ? path : await nearestExisting(dirname(path));
}

/**
 * A writable parent need not take every name, and root may write everywhere but cannot make folders below /proc. So all
 * missing folders are made below one of another name, and removed: a server may be making the real ones right now.
 */
async function checkWritable(name: string, folder: string, variable: string): Promise<Check> {
  const wrong = (what: string) =>
    blocking(name, `${folder} ${what}.`, `make it a folder that can be written, or set ${variable} to one`);
  const existing = await stat(folder).catch(codeOf);
  if (typeof existing !== 'string' && !existing.isDirectory()) return wrong('is a file, where a folder is needed');
  if (typeof existing === 'string' && existing !== 'ENOENT') return wrong(`cannot be used (${existing})`);
  const parent = await nearestExisting(folder);
  if ((await stat(parent).catch(() => undefined)) === undefined)
    return wrong(`cannot be made: ${parent} is a link to a place that does not exist (an unplugged disk?)`);
  const trial = join(parent, `.jimeng-video-mcp-${randomUUID()}`);
  try {
    await makeFolders(join(trial, relative(parent, folder)));
    // A full disk still takes folders.
    await writeFile(join(trial, 'trial'), Buffer.alloc(TRIAL_BYTES));
    return fine(name, `${folder}: ${parent === folder ? 'exists, writable' : 'will be made when it is needed'}`);
  } catch (error) {
    return wrong(`cannot be ${parent === folder ? 'written' : `made in ${parent}`} (${codeOf(error)})`);
  } finally {
    await rm(trial, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** A folder that can be written may hold a database that cannot. */
async function checkDatabase(file: string): Promise<Check[]> {
  const code = await access(file, constants.W_OK).then(() => undefined, codeOf);
  if (code === undefined || code === 'ENOENT' || code === 'ENOTDIR') return [];
  return [blocking('database', `${file} cannot be written (${code}).`, 'make that file writable')];
}

async function checkExisting(folder: string, variable: string): Promise<Check[]> {
  const code = await stat(folder).then((entry) => (entry.isDirectory() ? undefined : 'it is no folder'), codeOf);
  if (code === undefined) return [];
  return [toFix(variable, `${folder} cannot be used (${code}).`, `correct ${variable}, or make the folder`)];
}

/** Paid calls are refused until a person has looked. */
async function checkSetAside(database: string): Promise<Check[]> {
  const [file] = filesSetAside(database);
  if (file === undefined) return [];
  return [blocking('database', setAsideSentence(file), PROBLEMS.state_damaged.hint)];
}

/** @returns nothing for a folder whose setting is wrong: that is reported already */
export async function checkFolders({ settings, problems }: ReadSettings): Promise<Check[]> {
  const { outputDir, stateDir, allowedDirs, imageDirs, storage } = settings;
  const writable = async (name: string, variable: string, folder: string | undefined) => {
    if (problems.some((problem) => problem.name === variable)) return [];
    return folder === undefined ? [info(name, 'none: links only')] : [await checkWritable(name, folder, variable)];
  };
  const all = [
    // Videos go to the storage.
    ...(storage === undefined ? [writable('output folder', SETTINGS.outputDir.name, outputDir)] : []),
    writable('state folder', SETTINGS.stateDir.name, stateDir),
    checkDatabase(databaseFile(settings)),
    ...allowedDirs.map((folder) => checkExisting(folder, SETTINGS.allowedDirs.name)),
    ...(imageDirs ?? []).map((folder) => checkExisting(folder, SETTINGS.imageDirs.name)),
    checkSetAside(databaseFile(settings)),
  ];
  return (await Promise.all(all)).flat();
}

/** A missing ffmpeg is nothing to fix: most videos need none. */
export async function checkFfmpeg(settings: Settings, clock: Clock, signal: AbortSignal): Promise<Check> {
  const { ffmpeg: setting, searchPath, childEnvironment: environment } = settings;
  try {
    const ffmpeg = await findFfmpeg(setting, searchPath, { clock, environment });
    if (ffmpeg === undefined) {
      return info('ffmpeg', 'not found; only 25 and 30 frames a second and `task:ID` images need it');
    }
    const encoder = await encoderOrProblem(ffmpeg, { clock, signal });
    return fine('ffmpeg', `${ffmpeg.path}: version ${ffmpeg.version}, encodes with ${encoder}`);
  } catch (error) {
    if (error instanceof Problem) return toFix('ffmpeg', error.message, error.hint);
    throw error;
  }
}

/** What Node reads of the file: each certificate, whatever stands between them. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Node reads the file when it starts, and ignores one that it cannot read. */
export async function checkCertificates({ extraCaCertificates: path }: Settings): Promise<Check> {
  if (path === undefined) return fine('certificates', "Node's own authorities; NODE_EXTRA_CA_CERTS is not set");
  const hint = 'set NODE_EXTRA_CA_CERTS to the full path of a PEM file with certificates, or remove it';
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (typeof text !== 'string') return toFix('certificates', `${path} cannot be read (${text.code}).`, hint);
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return toFix('certificates', `${path} holds no certificate.`, hint);
  if (certificates.some(isBroken)) return toFix('certificates', `${path} holds a broken certificate.`, hint);
  return fine('certificates', `Node's own authorities and ${certificates.length} of ${path} (NODE_EXTRA_CA_CERTS)`);
}

function isBroken(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).raw.length === 0;
  } catch {
    return true;
  }
}

export function checkProxy({ api }: Settings, network: Network): Check {
  if (api === 'sandbox' || isLoopback(api)) return fine('proxy', 'none: the API is on this computer');
  const proxy = network.proxyOf(api);
  const variable = api.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  if (proxy !== undefined) return fine('proxy', `${proxy} (${variable}) for ${api.host}`);
  if (network.isProxied(api)) return fine('proxy', `none: NO_PROXY names ${api.hostname}`);
  return fine('proxy', `none: ${variable} is not set`);
}
