/** What did the operator set, and is it all right? The only file that reads the environment. */
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Credentials } from './jimeng/signature.ts';
import { readVideosFolder, stateFolder } from './user-folders.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const DEFAULT_API_URL = 'https://visual.volcengineapi.com';

/** As they were given, user name and password included, and not checked: only system/network.ts reads them. */
export interface ProxySettings {
  readonly httpProxy: string | undefined;
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

export interface Settings {
  /** Undefined when a key is missing: the server starts without them. */
  readonly credentials: Credentials | undefined;
  /** `sandbox`: the embedded one. */
  readonly api: 'sandbox' | URL;
  readonly apiTimeoutSeconds: number;
  /** Undefined when not set: then a schedule may learn from past tasks. */
  readonly pollIntervalSeconds: number | undefined;
  readonly maxPollAttempts: number;
  readonly waitSeconds: number;
  /** Undefined: links only. */
  readonly outputDir: string | undefined;
  readonly allowedDirs: readonly string[];
  /** Undefined: any readable picture may be used. */
  readonly imageDirs: readonly string[] | undefined;
  readonly stateDir: string;
  /** Tasks in flight per req_key. */
  readonly concurrency: number;
  readonly dailyBudgetCny: number | undefined;
  readonly ffmpeg: string | undefined;
  /** PATH, for looking ffmpeg up. */
  readonly searchPath: string;
  readonly logLevel: LogLevel;
  readonly proxy: ProxySettings;
  /** NODE_EXTRA_CA_CERTS, which Node itself reads once, when it starts. */
  readonly extraCaCertificates: string | undefined;
  readonly homeDir: string;
  readonly workingDir: string;
  /** The environment that a child process gets: what programs need to run, and none of the keys. */
  readonly childEnvironment: Readonly<Record<string, string>>;
}

export interface SettingProblem {
  readonly name: string;
  /** Begins with the variable's name. */
  readonly message: string;
}

export interface ReadSettings {
  readonly settings: Settings;
  /** Every problem, each by name. A setting with a problem has its default here, and no call that needs settings is served. */
  readonly problems: readonly SettingProblem[];
  /** Which variables were set, for `doctor`. */
  readonly given: readonly string[];
}

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly workingDir: string;
  readonly platform: NodeJS.Platform;
}

export function surroundings(): Surroundings {
  return { environment: process.env, homeDir: homedir(), workingDir: process.cwd(), platform: process.platform };
}

export function searchPathOf({ environment }: Surroundings): string {
  return environment.PATH ?? environment.Path ?? '';
}

/** Claude Desktop hands an unset option on as its own placeholder. */
const PLACEHOLDER = /^\$\{[^}]*\}$/;
const ENCRYPTED = '__encrypted__:';
const CHILD_VARIABLES = [
  ...['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SYSTEMROOT', 'WINDIR', 'USERPROFILE', 'LANG'],
  // Where WinGet, Chocolatey and installers put ffmpeg.
  ...['LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES'],
];

/** Reads one variable after the other and remembers what was wrong with each. */
class Reader {
  readonly problems: SettingProblem[] = [];
  readonly given: string[] = [];
  private readonly from: Surroundings;

  constructor(from: Surroundings) {
    this.from = from;
  }

  text(name: string): string | undefined {
    const value = this.from.environment[name]?.trim();
    if (value === undefined || value === '' || PLACEHOLDER.test(value)) return undefined;
    this.given.push(name);
    if (!value.startsWith(ENCRYPTED)) return value;
    this.refuse(name, 'arrived encrypted, which only the app that stored it can read: enter it again in the settings');
    return undefined;
  }

  refuse(name: string, what: string): void {
    this.problems.push({ name, message: `${name} ${what}.` });
  }

  number(name: string, limits: { min: number; max: number; whole: boolean; unit: string }): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= limits.min && value <= limits.max && (!limits.whole || Number.isInteger(value))) return value;
    const kind = limits.whole ? 'a whole number' : 'a number';
    this.refuse(
      name,
      `must be ${kind} of ${limits.unit} from ${limits.min} to ${limits.max}, but is "${shorten(text)}"`,
    );
    return undefined;
  }

  folder(name: string): string | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : this.absolute(name, text);
  }

  folders(name: string): string[] | undefined {
    const list = this.text(name)
      ?.split(delimiter)
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    return list?.flatMap((entry) => this.absolute(name, entry) ?? []);
  }

  absolute(name: string, text: string): string | undefined {
    const path = text === '~' || /^~[/\\]/.test(text) ? join(this.from.homeDir, text.slice(1)) : text;
    if (isAbsolute(path)) return resolve(path);
    this.refuse(name, `must be an absolute path, or begin with ~, but is "${shorten(text)}"`);
    return undefined;
  }
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function readApi(reader: Reader): 'sandbox' | URL {
  const text = reader.text('JIMENG_VIDEO_API_URL') ?? DEFAULT_API_URL;
  if (text === 'sandbox') return 'sandbox';
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && isBare(url)) return url;
  const fix = `must be "sandbox" or an http(s) address without a user name, a password and a query, such as ${DEFAULT_API_URL}`;
  reader.refuse('JIMENG_VIDEO_API_URL', fix);
  return new URL(DEFAULT_API_URL);
}

/** The address stands in every record: no part of it may be a secret. */
function isBare({ username, password, search, hash }: URL): boolean {
  return [username, password, search, hash].every((part) => part === '');
}

function readCredentials(reader: Reader): Credentials | undefined {
  const accessKeyId = reader.text('VOLC_ACCESSKEY');
  const secretAccessKey = reader.text('VOLC_SECRETKEY');
  const sessionToken = reader.text('VOLC_SESSION_TOKEN');
  for (const [name, value] of Object.entries({ VOLC_ACCESSKEY: accessKeyId, VOLC_SESSION_TOKEN: sessionToken })) {
    // A header with a line break or a character beyond latin-1 cannot be sent; the value itself is never repeated.
    if (value !== undefined && !/^[\x21-\x7e]+$/.test(value)) {
      reader.refuse(name, 'holds a character that no key has: copy it again');
      return undefined;
    }
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function readLogLevel(reader: Reader): LogLevel {
  const text = reader.text('LOG_LEVEL')?.toLowerCase() ?? 'info';
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) reader.refuse('LOG_LEVEL', `must be one of ${LOG_LEVELS.join(', ')}`);
  return level ?? 'info';
}

/** Whether a proxy's address is one is checked by the request that needs it. */
function readProxy(reader: Reader): ProxySettings {
  return {
    httpProxy: reader.text('http_proxy') ?? reader.text('HTTP_PROXY'),
    httpsProxy: reader.text('https_proxy') ?? reader.text('HTTPS_PROXY'),
    noProxy: reader.text('no_proxy') ?? reader.text('NO_PROXY'),
  };
}

/** @returns the settings with every problem by name; never throws */
export function readSettings(from: Surroundings): ReadSettings {
  const reader = new Reader(from);
  const outputText = reader.text('JIMENG_VIDEO_OUTPUT_DIR');
  const defaultOutputDir = () => join(readVideosFolder(from), 'Jimeng');
  const seconds = { whole: false, unit: 'seconds' };
  const settings: Settings = {
    credentials: readCredentials(reader),
    api: readApi(reader),
    apiTimeoutSeconds: reader.number('JIMENG_VIDEO_API_TIMEOUT', { min: 0.1, max: 3600, ...seconds }) ?? 300,
    pollIntervalSeconds: reader.number('JIMENG_VIDEO_POLL_INTERVAL', { min: 0.02, max: 3600, ...seconds }),
    maxPollAttempts:
      reader.number('JIMENG_VIDEO_MAX_POLL_ATTEMPTS', { min: 1, max: 100_000, whole: true, unit: 'queries' }) ?? 120,
    waitSeconds: reader.number('JIMENG_VIDEO_WAIT_SECONDS', { min: 0, max: 1800, ...seconds }) ?? 45,
    outputDir:
      outputText === 'none'
        ? undefined
        : ((outputText === undefined ? undefined : reader.absolute('JIMENG_VIDEO_OUTPUT_DIR', outputText)) ??
          defaultOutputDir()),
    allowedDirs: reader.folders('JIMENG_VIDEO_ALLOWED_DIRS') ?? [],
    imageDirs: reader.folders('JIMENG_VIDEO_IMAGE_DIRS'),
    stateDir: reader.folder('JIMENG_VIDEO_STATE_DIR') ?? stateFolder(from),
    concurrency: reader.number('JIMENG_VIDEO_CONCURRENCY', { min: 1, max: 100, whole: true, unit: 'tasks' }) ?? 2,
    dailyBudgetCny: reader.number('JIMENG_VIDEO_DAILY_BUDGET_CNY', { min: 0, max: 1e9, whole: false, unit: 'CNY' }),
    ffmpeg: reader.text('JIMENG_VIDEO_FFMPEG'),
    searchPath: searchPathOf(from),
    logLevel: readLogLevel(reader),
    proxy: readProxy(reader),
    extraCaCertificates: reader.text('NODE_EXTRA_CA_CERTS'),
    homeDir: from.homeDir,
    workingDir: from.workingDir,
    childEnvironment: Object.fromEntries(
      CHILD_VARIABLES.flatMap((name) => {
        const value = from.environment[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
  return { settings, problems: reader.problems, given: reader.given };
}

/** The variables a user still has to set, of the two that every call to the provider needs. */
export function missingKeys(from: Surroundings): string[] {
  const reader = new Reader(from);
  return ['VOLC_ACCESSKEY', 'VOLC_SECRETKEY'].filter((name) => reader.text(name) === undefined);
}
