/** Reads the settings, and refuses the operations that depend on a wrong one. */
import { isAbsolute, join } from 'node:path';
import type { Credentials } from './jimeng/signature.ts';
import { nearestName } from './nearest-name.ts';
import { Problem } from './problems.ts';
import { type Surroundings, searchPathOf } from './settings/surroundings.ts';
import { type Operation, SETTINGS, type SettingField, type SettingValues } from './settings/table.ts';
import { type Parse, proxyAddress } from './settings/values.ts';
import { bypassesProxy, isLoopback } from './system/network.ts';

export { type Surroundings, searchPathOf, surroundings } from './settings/surroundings.ts';
export { OPERATIONS, type Operation, SETTINGS, type SettingField } from './settings/table.ts';
export type { LogLevel } from './settings/values.ts';

/** Addresses as they were given, user name and password included: show them with `shownProxy` only. */
export interface ProxySettings {
  readonly httpProxy: string | undefined;
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

type CredentialField = 'accessKeyId' | 'secretAccessKey' | 'sessionToken';

export interface Settings extends Omit<SettingValues, CredentialField | 'outputDir'> {
  /** Whose records are read, also where the secret key is missing or wrong. */
  readonly accessKeyId: string | undefined;
  /** Undefined when a key is missing or wrong: the server starts without them. */
  readonly credentials: Credentials | undefined;
  /** Of JIMENG_VIDEO_STORAGE; undefined where it is not set, or a key is missing or wrong. */
  readonly storageKeys: Credentials | undefined;
  /** Undefined: links only. */
  readonly outputDir: string | undefined;
  /** PATH, for finding ffmpeg. */
  readonly searchPath: string;
  readonly proxy: ProxySettings;
  /** NODE_EXTRA_CA_CERTS, which Node itself reads once, when it starts. */
  readonly extraCaCertificates: string | undefined;
  /** What `~` stands for in a path that a caller gives; `~` itself where there is no home folder. */
  readonly homeDir: string;
  /** Where it was deleted: its former path, at which nothing is found. */
  readonly workingDir: string;
  /** The environment that a child process gets: what programs need to run, and none of the keys. */
  readonly childEnvironment: Readonly<Record<string, string>>;
}

export interface SettingProblem {
  /** The variable. */
  readonly name: string;
  /** A sentence that begins with the variable's name. Never holds a secret. */
  readonly message: string;
  /** The operations that are refused because of it. */
  readonly needs: readonly Operation[];
}

export type SettingNote = Pick<SettingProblem, 'name' | 'message'>;

export interface ReadSettings {
  readonly settings: Settings;
  /** Every problem, by name. A wrong setting has its default in `settings`. */
  readonly problems: readonly SettingProblem[];
  /** What is wrong and ignored, because nothing depends on it. */
  readonly notes: readonly SettingNote[];
  /** The variables that were set. */
  readonly given: readonly string[];
  /** Those of them whose value cannot be used: the default is in `settings`. */
  readonly rejected: readonly string[];
  /** The variables that a call to the provider still needs; none for the sandbox. */
  readonly missingKeys: readonly string[];
}

/** Claude Desktop passes an option that was left empty on as its own placeholder. */
const PLACEHOLDER = /\$\{[^}]*\}/;
const ENCRYPTED = '__encrypted__:';
const OTHER_KEY_NAME = /^(?:VOLC|VOLCENGINE|JIMENG)_?(ACCESS|SECRET)(?:_ACCESS)?_?KEY(?:_ID)?$/i;
const OWN_PREFIX = /^JIMENG_VIDEO_/i;
const CHILD_VARIABLES = [
  ...['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SYSTEMROOT', 'WINDIR', 'USERPROFILE', 'LANG'],
  // What a desktop's own programs (the browser, the file manager) find their display and session by.
  ...['USER', 'LOGNAME', 'APPDATA', 'DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS', 'BROWSER'],
  ...['XDG_RUNTIME_DIR', 'XDG_CURRENT_DESKTOP', 'XDG_DATA_DIRS', 'XDG_CONFIG_DIRS'],
  // Where WinGet, Chocolatey and installers put ffmpeg.
  ...['LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES'],
];

/** @returns the trimmed value; undefined for one that counts as not set */
function givenValue({ environment }: Surroundings, name: string): string | undefined {
  const value = environment[name]?.trim();
  const isUnset = value === undefined || value === '' || value.replace(PLACEHOLDER, '') === '';
  return isUnset ? undefined : value;
}

function sentence(name: string, what: string): string {
  return `${name} ${what}${what.endsWith('?') ? '' : '.'}`;
}

class Reader {
  readonly problems: SettingProblem[] = [];
  readonly notes: SettingNote[] = [];
  readonly given: string[] = [];
  readonly rejected: string[] = [];
  private readonly from: Surroundings;

  constructor(from: Surroundings) {
    this.from = from;
  }

  refuse(name: string, what: string, needs: readonly Operation[]): undefined {
    this.problems.push({ name, message: sentence(name, what), needs });
  }

  note(name: string, what: string): undefined {
    this.notes.push({ name, message: sentence(name, what) });
  }

  read<Value>(name: string, parse: Parse<Value>, needs: readonly Operation[]): Value | undefined {
    const text = givenValue(this.from, name);
    if (text === undefined) return undefined;
    this.given.push(name);
    const refuse = (what: string) => this.refuse(name, what, needs);
    const encrypted = 'arrived encrypted, which only the app that stored it can read: enter it again in the settings';
    if (text.startsWith(ENCRYPTED)) return refuse(encrypted);
    const [placeholder] = PLACEHOLDER.exec(text) ?? [];
    if (placeholder !== undefined)
      return refuse(`holds ${placeholder.slice(0, 60)}, which was not replaced by a value`);
    return parse(text, { from: this.from, refuse, note: (what) => this.note(name, what) });
  }

  values(): SettingValues {
    const entries = Object.entries(SETTINGS).map(([field, row]) => {
      const known = this.problems.length;
      const value = this.read<unknown>(row.name, row.parse, row.stops);
      if (value !== undefined) return [field, value];
      if (this.given.includes(row.name)) this.rejected.push(row.name);
      const isWrong = this.problems.length > known;
      const refuse = (what: string) => (isWrong ? undefined : this.refuse(row.name, what, row.stops));
      return [field, row.initial({ from: this.from, refuse, note: () => undefined })];
    });
    return Object.fromEntries(entries) as SettingValues;
  }

  /** A misspelt budget must not be no budget, nor a misspelt list of tokens an open server. */
  refuseUnknownNames(): void {
    const names = Object.values(SETTINGS).map((row) => row.name);
    // The environment of Windows has no upper and lower case.
    const isKnown = (name: string) => names.includes(this.from.platform === 'win32' ? name.toUpperCase() : name);
    for (const name of Object.keys(this.from.environment)) {
      if (!OWN_PREFIX.test(name) || isKnown(name) || givenValue(this.from, name) === undefined) continue;
      const what = `is not a setting; did you mean ${nearestName(name, names)}?`;
      this.refuse(name, what, ['paid', 'check', 'serve']);
    }
  }

  /** The names of these keys that other programs read, where ours is not set. */
  noteOtherKeyNames(missing: readonly string[]): void {
    for (const name of Object.keys(this.from.environment)) {
      const [, kind] = OTHER_KEY_NAME.exec(name) ?? [];
      const meant = missing.find((key) => key === `VOLC_${kind?.toUpperCase()}KEY` && key !== name.toUpperCase());
      if (meant !== undefined && givenValue(this.from, name) !== undefined)
        this.note(name, `is not read; did you mean ${meant}?`);
    }
  }

  /** @param api decides which of the proxies a call needs */
  proxy(api: 'sandbox' | URL): ProxySettings {
    const noProxy = this.read('no_proxy', (text) => text, []) ?? this.read('NO_PROXY', (text) => text, []);
    const isDirect = api === 'sandbox' || isLoopback(api) || bypassesProxy(api, noProxy ?? '');
    const address = (protocol: 'http:' | 'https:', name: string) => {
      const given = givenValue(this.from, name.toLowerCase()) === undefined ? name : name.toLowerCase();
      const isNeeded = !isDirect && api.protocol === protocol;
      const ignored: Parse<string> = (text, { from, note }) =>
        proxyAddress(text, { from, note, refuse: (what) => note(`${what}; it is ignored`) });
      return this.read(given, isNeeded ? proxyAddress : ignored, ['paid', 'check', 'query', 'save']);
    };
    return { httpProxy: address('http:', 'HTTP_PROXY'), httpsProxy: address('https:', 'HTTPS_PROXY'), noProxy };
  }

  /** Only storage reads them: without it, keys of other programs may have any form. */
  storageKeys(isNeeded: boolean): Credentials | undefined {
    if (!isNeeded) return undefined;
    const { name: setting, stops } = SETTINGS.storage;
    const read = (name: string) =>
      this.read(name, (text, { refuse }) => (/[\s\p{Cc}]/u.test(text) ? refuse('has a space in it') : text), stops);
    const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
    const [accessKeyId, secretAccessKey] = names.map(read);
    const sessionToken = read('AWS_SESSION_TOKEN');
    const missing = names.filter((name) => givenValue(this.from, name) === undefined);
    if (missing.length > 0) this.refuse(setting, `needs the keys of the storage: set ${missing.join(' and ')}`, stops);
    if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  }

  /** What only the real provider needs is no problem in the sandbox, and the other way round. */
  ignoreUnused(api: 'sandbox' | URL): void {
    const unused = api === 'sandbox' ? /^VOLC_/ : /^JIMENG_VIDEO_SANDBOX_SECONDS$/;
    for (const problem of this.problems.filter(({ name }) => unused.test(name))) {
      this.problems.splice(this.problems.indexOf(problem), 1);
      this.notes.push({ name: problem.name, message: problem.message });
    }
  }
}

/** The one file that the records are in. */
export function databaseFile({ stateDir }: Pick<Settings, 'stateDir'>): string {
  return join(stateDir, 'jimeng.db');
}

/** Never throws: what is wrong is in `problems`, with what each problem stops. */
export function readSettings(from: Surroundings): ReadSettings {
  const reader = new Reader(from);
  const { accessKeyId, secretAccessKey, sessionToken, outputDir, ...values } = reader.values();
  reader.refuseUnknownNames();
  const proxy = reader.proxy(values.api);
  reader.ignoreUnused(values.api);
  if (from.workingDir === undefined) reader.note('The working directory', 'no longer exists: give absolute paths');
  const isTokenWrong = reader.problems.some(({ name }) => name === SETTINGS.sessionToken.name);
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined && !isTokenWrong;
  const token = sessionToken === undefined ? {} : { sessionToken };
  const settings: Settings = {
    ...values,
    accessKeyId,
    storageKeys: reader.storageKeys(values.storage !== undefined),
    credentials: hasKeys ? { accessKeyId, secretAccessKey, ...token } : undefined,
    outputDir: outputDir === 'none' ? undefined : outputDir,
    searchPath: searchPathOf(from),
    proxy,
    extraCaCertificates: reader.read('NODE_EXTRA_CA_CERTS', (text) => text, []),
    homeDir: from.homeDir ?? '~',
    workingDir: from.workingDir ?? formerWorkingDir(from),
    childEnvironment: Object.fromEntries(
      CHILD_VARIABLES.flatMap((name) => {
        const value = from.environment[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
  const missingKeys = [SETTINGS.accessKeyId, SETTINGS.secretAccessKey]
    .map(({ name }) => name)
    .filter((name) => settings.api !== 'sandbox' && givenValue(from, name) === undefined);
  reader.noteOtherKeyNames(missingKeys);
  return {
    settings,
    problems: reader.problems,
    notes: reader.notes,
    given: reader.given,
    rejected: reader.rejected,
    missingKeys,
  };
}

function formerWorkingDir({ environment }: Surroundings): string {
  return environment.PWD !== undefined && isAbsolute(environment.PWD) ? environment.PWD : '/nonexistent';
}

/** @returns the value in force, as doctor prints it; never a secret */
export function valueShown(field: SettingField, { settings, given, rejected }: ReadSettings): string {
  const row = SETTINGS[field];
  if ('secret' in row && row.secret) {
    if (rejected.includes(row.name)) return 'set (not shown), but not valid';
    return given.includes(row.name) ? 'set (not shown)' : 'not set';
  }
  const value = field === 'outputDir' ? (settings.outputDir ?? 'none') : settings[field as keyof Settings];
  return (row.show as (value: unknown) => string)(value);
}

/** @returns what has to be corrected before these operations can run */
export function problemsFor(
  { problems }: ReadSettings,
  ...operations: readonly Operation[]
): readonly SettingProblem[] {
  return problems.filter(({ needs }) => operations.some((operation) => needs.includes(operation)));
}

/** @throws Problem invalid_settings with every setting that stops one of these operations; missing_credentials with the variables */
export function requireSettings(read: ReadSettings, ...operations: readonly Operation[]): void {
  const problems = problemsFor(read, ...operations);
  if (problems.length > 0) {
    throw new Problem('invalid_settings', {
      what: problems.map(({ message }) => message).join(' '),
      hint: `correct ${[...new Set(problems.map(({ name }) => name))].join(', ')}`,
    });
  }
  const asksProvider = operations.includes('paid') || operations.includes('query');
  if (asksProvider && read.missingKeys.length > 0) throw missingKeys(read);
}

/** @returns what such an operation is refused with; undefined where its settings are right */
export function settingsProblem(read: ReadSettings, operation: Operation): Problem | undefined {
  try {
    requireSettings(read, operation);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function missingKeys({ missingKeys: missing, notes }: ReadSettings): Problem {
  const names = missing.join(' and ');
  const others = notes.filter(({ name }) => OTHER_KEY_NAME.test(name)).map(({ message }) => ` ${message}`);
  const [are, them] = missing.length > 1 ? ['are', 'them'] : ['is', 'it'];
  return new Problem('missing_credentials', {
    what: `${names} ${are} not set, and every call to the provider needs ${them}.${others.join('')}`,
    hint: `set ${names} (keys are made at https://console.volcengine.com/iam/keymanage), or JIMENG_VIDEO_API_URL=sandbox to try it without an account`,
  });
}
