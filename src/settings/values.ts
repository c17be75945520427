/** Parses the text of one environment variable into a value, or states what is wrong with it. */
import { type PlatformPath, posix, win32 } from 'node:path';
import { isLoopback } from '../system/network.ts';
import type { Surroundings } from './surroundings.ts';

export interface Reading {
  readonly from: Surroundings;
  /** @param what follows the variable's name; ends without a full stop, and holds no secret */
  refuse(what: string): undefined;
  /** As `refuse`, for what is ignored: no call is refused because of it. */
  note(what: string): undefined;
}

/** @returns undefined for the default; what is wrong was given to `refuse` or `note` */
export type Parse<Value> = (text: string, reading: Reading) => Value | undefined;

export interface Limits {
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly whole?: true;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What other programs call these levels; numbers as pino and bunyan have them. */
const OTHER_LEVELS: Readonly<Record<string, LogLevel>> = {
  ...{ all: 'trace', silly: 'trace', verbose: 'debug', notice: 'info', information: 'info', warning: 'warn' },
  ...{ err: 'error', critical: 'fatal', off: 'silent', none: 'silent', quiet: 'silent' },
  ...{ 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' },
};

/** The implicit label of generated content, as the provider takes it (GB 45438-2025). */
export interface AigcMeta {
  readonly content_producer?: string;
  readonly producer_id: string;
  readonly content_propagator: string;
  readonly propagate_id?: string;
}

const AIGC_FIELDS = ['content_producer', 'producer_id', 'content_propagator', 'propagate_id'];
const AIGC_REQUIRED = ['producer_id', 'content_propagator'];
const AIGC_MAX_CHARACTERS = 256;

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export function numberIn({ min, max, unit, whole }: Limits): Parse<number> {
  return (text, { refuse }) => {
    const value = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max && (whole !== true || Number.isInteger(value))) return value;
    const kind = whole === true ? 'a whole number' : 'a number';
    return refuse(`must be ${kind} of ${unit} from ${min} to ${max}, but is "${shorten(text)}"`);
  };
}

export function oneOf<Value extends string>(values: readonly Value[]): Parse<Value> {
  return (text, { refuse }) =>
    values.find((value) => value === text.toLowerCase()) ??
    refuse(`must be ${values.join(' or ')}, but is "${shorten(text)}"`);
}

/** @returns the rules of paths on that system */
export function pathRules({ platform }: Surroundings): PlatformPath {
  return platform === 'win32' ? win32 : posix;
}

/** @returns the text itself where it does not begin with `~` */
export const withHome: Parse<string> = (text, { from, refuse }) => {
  if (text !== '~' && !/^~[/\\]/.test(text)) return text;
  if (from.homeDir !== undefined) return pathRules(from).join(from.homeDir, text.slice(1));
  return refuse('begins with ~, and this process has no home folder: write the whole path');
};

export const absolutePath: Parse<string> = (text, reading) => {
  const path = withHome(text, reading);
  const rules = pathRules(reading.from);
  if (path === undefined || rules.isAbsolute(path)) return path && rules.resolve(path);
  return reading.refuse(`must be an absolute path, or begin with ~, but is "${shorten(text)}"`);
};

/** Wrong entries are left out: of a list that limits what may be read, the limit stays. */
export const folderList: Parse<readonly string[]> = (text, reading) => {
  const entries = text.split(pathRules(reading.from).delimiter).map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '').flatMap((entry) => absolutePath(entry, reading) ?? []);
};

/** The address stands in records and links: no part of it may be a secret. */
function bareAddress(text: string): URL | undefined {
  const url = URL.parse(text);
  const isBare = url !== null && [url.username, url.password, url.search, url.hash].every((part) => part === '');
  return isBare && /^https?:$/.test(url.protocol) ? url : undefined;
}

const WITHOUT_SECRETS = 'address without a user name, a password and a query, such as';

/** @param example a valid value, for the sentence; the wrong value is not repeated because it may hold a password */
export function apiAddress(example: string): Parse<'sandbox' | URL> {
  return (text, { refuse }) =>
    (text === 'sandbox' ? text : bareAddress(text)) ??
    refuse(`must be "sandbox" or an http(s) ${WITHOUT_SECRETS} ${example}`);
}

/** @param example as for `apiAddress` */
export function webAddress(example: string): Parse<URL> {
  return (text, { refuse }) => bareAddress(text) ?? refuse(`must be an http(s) ${WITHOUT_SECRETS} ${example}`);
}

/** Keys are fetched from there. @param example as for `apiAddress` */
export function secureAddress(example: string): Parse<URL> {
  return (text, { refuse }) => {
    const url = bareAddress(text);
    const isSecure = url !== undefined && (url.protocol === 'https:' || isLoopback(url));
    return isSecure ? url : refuse(`must be an https ${WITHOUT_SECRETS} ${example}`);
  };
}

/** What a token names as its audience: mostly an address. */
export const audience: Parse<string> = (text, { refuse }) =>
  /^[\x21-\x7e]{1,500}$/.test(text) ? text : refuse('must be at most 500 plain characters without spaces');

/** The wrong value is not repeated: it may hold a password. */
export const proxyAddress: Parse<string> = (text, { refuse }) => {
  const address = text.includes('://') ? text : `http://${text}`;
  const url = URL.parse(address);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' && isDecodable(url)) return address;
  return refuse('must be the http(s) address of a proxy, such as http://user:password@proxy.example:3128');
};

/** The wrong value is not repeated: it may hold a password. */
export const databaseAddress: Parse<string> = (text, { refuse }) => {
  const url = URL.parse(text);
  // "user:5/secret@host" reads as a host "user", a port 5 and a path, which would be shown.
  const isNamed = url !== null && /^\/[^/@]+$/.test(url.pathname);
  if (isNamed && /^postgres(ql)?:$/.test(url.protocol) && isDecodable(url)) {
    const wrong = wrongTls(url);
    return wrong === undefined ? text : refuse(wrong);
  }
  return refuse(
    'must be the address of a PostgreSQL database, such as postgres://user:password@db.example:5432/jimeng; a character such as # / ? or % of the password is written as its code (%23 %2F %3F %25), and a socket as postgres:///jimeng?host=/run/postgresql&user=jimeng',
  );
};

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** @returns what is wrong with the options of an encrypted connection, which are named as in PostgreSQL */
function wrongTls({ searchParams }: URL): string | undefined {
  const mode = searchParams.get('sslmode');
  const authority = searchParams.get('sslrootcert');
  if (mode !== null && !SSL_MODES.includes(mode)) {
    return 'has an sslmode that does not exist: use verify-full (encrypted, and the server is verified), require (encrypted) or disable';
  }
  if (mode === 'verify-ca' && authority === null) {
    return 'needs sslrootcert, the path of the authority’s certificate, for sslmode=verify-ca';
  }
  if (authority === 'system' && mode !== 'verify-full') return 'needs sslmode=verify-full for sslrootcert=system';
  return undefined;
}

function isDecodable({ username, password }: URL): boolean {
  try {
    return decodeURIComponent(username + password) !== undefined;
  } catch {
    return false;
  }
}

/** What people and examples write where a key belongs. Nothing of it can be a part of a real key. */
const PLACEHOLDERS = [
  /^<.*>$/,
  /^\[.*\]$/,
  /^your[-_ ]/i,
  /\.{3}|…|\*{3}/,
  /^x{3,}$/i,
  /x{8}/i,
  /^(change|replace)[-_ ]?me/i,
];
const KEY_NAMES = /^(volc[-_ ]?)?((access|secret)[-_ ]?(access[-_ ]?)?key([-_ ]?id)?|ak|sk|session[-_ ]?token)$/i;

/** The value is never repeated. */
export const key: Parse<string> = (text, { refuse }) => {
  const again = 'copy it again from console.volcengine.com/iam/keymanage';
  if (/^["'`“”‘’„«「『]|["'`“”‘’»」』]$/.test(text)) return refuse('is in quotation marks: enter it without them');
  const [invisible] = /\p{Cf}|\p{Cc}|\p{Zl}|\p{Zp}|\u00a0|\u3164|\ufe0f/u.exec(text) ?? [];
  if (invisible !== undefined) {
    const code = invisible.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
    return refuse(`holds an invisible character (U+${code}): ${again}`);
  }
  if (KEY_NAMES.test(text) || PLACEHOLDERS.some((pattern) => pattern.test(text)) || /\p{Script=Han}/u.test(text)) {
    return refuse('holds a placeholder, not a key: enter your own from console.volcengine.com/iam/keymanage');
  }
  return /^[\x21-\x7e]+$/.test(text) ? text : refuse(`holds a character that no key has: ${again}`);
};

export const logLevel: Parse<LogLevel> = (text, { note }) => {
  const name = text.toLowerCase();
  const level =
    LOG_LEVELS.find((known) => known === name) ?? (Object.hasOwn(OTHER_LEVELS, name) ? OTHER_LEVELS[name] : undefined);
  return level ?? note(`is "${shorten(text)}", which is none of ${LOG_LEVELS.join(', ')}: info is used`);
};

export const aigcMeta: Parse<AigcMeta> = (text, { refuse }) => {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  if (!isObject) return refuse(`must be a JSON object with ${AIGC_REQUIRED.join(' and ')}`);
  const fields = given as Readonly<Record<string, unknown>>;
  const missing = AIGC_REQUIRED.filter((name) => !Object.hasOwn(fields, name));
  if (missing.length > 0) return refuse(`lacks ${missing.join(' and ')}`);
  const unknown = Object.keys(fields).filter((name) => !AIGC_FIELDS.includes(name));
  if (unknown.length > 0)
    return refuse(`holds "${shorten(unknown.join(', '))}", and may hold only ${AIGC_FIELDS.join(', ')}`);
  const isText = (value: unknown) =>
    typeof value === 'string' && value.trim() !== '' && [...value].length <= AIGC_MAX_CHARACTERS;
  const wrong = Object.keys(fields).filter((name) => !isText(fields[name]));
  if (wrong.length > 0)
    return refuse(`needs a text of 1 to ${AIGC_MAX_CHARACTERS} characters in ${wrong.join(' and ')}`);
  return fields as unknown as AigcMeta;
};
