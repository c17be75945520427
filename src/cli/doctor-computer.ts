/** Checks this computer for doctor: Node, folders, ffmpeg, certificates and the proxy. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { lstat, open, readFile, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import type { Clock } from '../clock.ts';
import { makeFolders } from '../make-folders.ts';
import { encoderOrProblem, findFfmpeg } from '../media/clip-ffmpeg.ts';
import { isLoopback, type Network } from '../network.ts';
import { Problem } from '../problems.ts';
import { type ReadSettings, SETTINGS, type Settings } from '../settings.ts';

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

export function checkNode(version: string, least: string = packageJson.engines.node): Check {
  const [wanted = 0, running = 0] = [least, version].map((text) => {
    const [major = 0, minor = 0, patch = 0] = text.replace(/^\D+/, '').split('.').map(Number);
    return (major * 1000 + minor) * 1000 + patch;
  });
  if (running >= wanted) return fine('Node.js', version);
  return blocking('Node.js', `${version} is too old: ${least} is needed.`, 'install a newer Node.js (nodejs.org)');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

interface FolderFinding {
  readonly isUsable: boolean;
  readonly message: string;
}

const usable = (message: string): FolderFinding => ({ isUsable: true, message });
const unusable = (message: string): FolderFinding => ({ isUsable: false, message });

function trialName(): string {
  return `.jimeng-video-mcp-${randomUUID()}`;
}

/** An existing folder is tested with a file; for a missing one it is tested whether it can be made. */
async function folderFinding(folder: string): Promise<FolderFinding> {
  const existing = await stat(folder).catch((error: unknown) => codeOf(error));
  if (typeof existing !== 'string') {
    if (!existing.isDirectory()) return unusable(`${folder} is a file, where a folder is needed.`);
    const trial = join(folder, trialName());
    try {
      await (await open(trial, 'wx')).close();
      await unlink(trial);
      return usable(`${folder}: exists, writable`);
    } catch (error) {
      return unusable(`${folder} cannot be written (${codeOf(error)}).`);
    }
  }
  if (existing !== 'ENOENT') return unusable(`${folder} cannot be used (${existing}).`);
  return await makingFinding(folder);
}

/**
 * A writable parent need not take every name, and root may write everywhere but cannot make folders below /proc. All the
 * missing folders are made below one of another name, and removed: a server may be making the real ones right now.
 */
async function makingFinding(folder: string): Promise<FolderFinding> {
  const parent = await nearestExisting(folder);
  if (await isLink(parent))
    return unusable(
      `${folder} cannot be made: ${parent} is a link to a place that does not exist (an unplugged disk?).`,
    );
  const trial = join(parent, trialName());
  try {
    await makeFolders(join(trial, relative(parent, folder)));
    return usable(`${folder}: will be made when it is needed`);
  } catch (error) {
    return unusable(`${folder} cannot be made in ${parent} (${codeOf(error)}).`);
  } finally {
    await rm(trial, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** A link that leads nowhere exists: no folder can be made in its place. */
async function nearestExisting(path: string): Promise<string> {
  const exists = await lstat(path).then(
    () => true,
    () => false,
  );
  return exists || path === dirname(path) ? path : await nearestExisting(dirname(path));
}

async function isLink(path: string): Promise<boolean> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return (
    !isThere &&
    (await lstat(path).then(
      (entry) => entry.isSymbolicLink(),
      () => false,
    ))
  );
}

async function checkWritable(name: string, folder: string, variable: string): Promise<Check> {
  const { isUsable, message } = await folderFinding(folder);
  if (isUsable) return fine(name, message);
  return blocking(name, message, `make it a folder that can be written, or set ${variable} to one`);
}

async function checkExisting(folder: string, variable: string): Promise<Check[]> {
  const code = await stat(folder).then((entry) => (entry.isDirectory() ? undefined : 'it is no folder'), codeOf);
  if (code === undefined) return [];
  return [toFix(variable, `${folder} cannot be used (${code}).`, `correct ${variable}, or make the folder`)];
}

/** @returns nothing for a folder whose setting is wrong: that is reported already */
export async function checkFolders({ settings, problems }: ReadSettings): Promise<Check[]> {
  const { outputDir, stateDir, allowedDirs, imageDirs } = settings;
  const writable = async (name: string, variable: string, folder: string | undefined) => {
    if (problems.some((problem) => problem.name === variable)) return [];
    return folder === undefined ? [info(name, 'none: links only')] : [await checkWritable(name, folder, variable)];
  };
  const all = [
    writable('output folder', SETTINGS.outputDir.name, outputDir),
    writable('state folder', SETTINGS.stateDir.name, stateDir),
    ...allowedDirs.map((folder) => checkExisting(folder, SETTINGS.allowedDirs.name)),
    ...(imageDirs ?? []).map((folder) => checkExisting(folder, SETTINGS.imageDirs.name)),
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
    if (error instanceof Problem) return toFix('ffmpeg', error.message, error.mend);
    throw error;
  }
}

/** What Node reads of the file: each certificate, whatever stands between them. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Node reads the file when it starts, and goes on without it when it cannot. */
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
