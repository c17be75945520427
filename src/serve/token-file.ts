/** The file of the people who may use the server: a list with the SHA-256 of each one's token, in YAML or JSON. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Document } from 'yaml';
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import { Problem } from '../problems.ts';
import { errorCode, makeFolders, writeDurably } from '../system/files.ts';
import { whileLocked } from './token-lock.ts';

/** A list of 10,000 people is 1.5 MB. */
const MAX_BYTES = 4_000_000;
const TOKEN_BYTES = 32;
const WRITABLE_BY_ALL = 0o002;

/** Persons that sign in elsewhere are named by an address, which no name here can be. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@ -]{0,63}$/u;
const NAME_RULE = 'must be a name of 1 to 64 letters, digits and . _ @ - and spaces';
/** As OpenID Connect limits it. */
export const SUB = /^\P{Cc}{1,255}$/u;
const SUB_RULE = 'must be the `sub` of a person’s tokens, in quotes, or "*"';
/** Whoever signs in and has no entry of their own. */
export const EVERYBODY_ELSE = '*';

const entrySchema = z
  .strictObject(
    {
      name: z.string(NAME_RULE).regex(NAME, NAME_RULE).optional(),
      /** Of a token of this file. */
      sha256: z
        .string('must be the SHA-256 of a token, in quotes')
        .regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of a token, 64 hexadecimal digits')
        .optional(),
      /** Of the tokens of the authorization server. */
      sub: z.string(SUB_RULE).regex(SUB, SUB_RULE).optional(),
      daily_budget_cny: z.number('must be an amount in CNY, without quotes').min(0, 'must be at least 0').optional(),
      admin: z.boolean('must be true or false').optional(),
    },
    'must be a person: name and sha256, or sub',
  )
  .superRefine(({ name, sha256, sub, admin }, context) => {
    const wrong = (message: string) => context.addIssue({ code: 'custom', message });
    if (sha256 === undefined && sub === undefined) {
      wrong('has neither sha256, of a token, nor sub, of a person who signs in');
    }
    if (sha256 !== undefined && name === undefined) wrong('has a token and no name');
    // As it stands in the log: there the issuer comes before it.
    if (sub !== undefined && /^https?:\/\/\S+ ./.test(sub))
      wrong('has a sub with the issuer before it: leave that out');
    if (sub !== undefined && sub !== sub.trim()) wrong('has a sub that begins or ends with a space');
    if (sub !== EVERYBODY_ELSE) return;
    if (name !== undefined || sha256 !== undefined) wrong('is for everybody else, and so has no name and no token');
    if (admin === true) wrong('is for everybody else, who cannot all be admins');
  });
const listSchema = z.array(entrySchema, 'must be a list of people').superRefine((entries, context) => {
  for (const field of ['name', 'sub'] as const) {
    const values = entries.map((entry) => entry[field]).filter((value) => value !== undefined);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) context.addIssue({ code: 'custom', message: `names ${twice} twice` });
  }
});

/** A person who has a token (`sha256`), who signs in (`sub`), or who does both. */
export type Entry = z.output<typeof entrySchema>;

export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** @throws Problem invalid_settings with the file's name and what is wrong; never with its content */
export async function readTokenFile(path: string): Promise<readonly Entry[]> {
  const { entries } = await read(path);
  return entries;
}

/** @returns what changes where the file does; undefined where it is missing */
export async function stateOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return undefined;
  }
}

/** @returns the new token, which is recorded nowhere @throws Problem */
export async function addToken(
  path: string,
  { name, ...rights }: Omit<Entry, 'sha256' | 'sub' | 'name'> & { readonly name: string },
  clock: Clock,
): Promise<string> {
  if (!NAME.test(name)) throw new Problem('invalid_input', { what: `NAME ${NAME_RULE}.`, hint: 'choose another name' });
  return await changing(path, clock, async () => {
    const file = await read(path, true);
    const same = file.entries.find((entry) => entry.name === name);
    if (same !== undefined) {
      const what =
        same.sha256 === undefined ? 'is in the list already, as a person who signs in' : 'has a token already';
      throw new Problem('invalid_input', {
        what: `${name} ${what}.`,
        hint: 'remove it first (serve token remove), or choose another name',
      });
    }
    const token = `jv_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    const entry = { name, sha256: hashOf(token).toString('hex'), ...rights };
    await write(path, file.with(entry), clock);
    return token;
  });
}

/** @returns the entry that was removed @throws Problem where nobody has that name */
export async function removeToken(path: string, name: string, clock: Clock): Promise<Entry> {
  // Where there is no list, no folder for a lock is made.
  await read(path);
  return await changing(path, clock, async () => {
    const file = await read(path);
    const index = file.entries.findIndex((entry) => entry.name === name);
    const removed = file.entries[index];
    if (removed === undefined) {
      throw new Problem('invalid_input', {
        what: `${basename(path)} names nobody ${JSON.stringify(name)}.`,
        hint: 'use a name of the list (serve token list); an entry without a name is removed by hand',
      });
    }
    await write(path, file.without(index), clock);
    return removed;
  });
}

/** @throws Problem where another command changes it for too long, or the folder cannot be written */
async function changing<Value>(path: string, clock: Clock, change: () => Promise<Value>): Promise<Value> {
  const lock = `${path}.lock`;
  try {
    await makeFolders(dirname(path), 0o700);
    const changed = await whileLocked(lock, clock, change);
    if (changed !== undefined) return changed;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw wrong(path, `cannot be changed (${errorCode(error) ?? 'failed'})`);
  }
  throw new Problem('invalid_settings', {
    what: `Another command is changing ${path}.`,
    hint: `run this command again; if no other one runs, remove ${lock}`,
  });
}

interface TokenFile {
  readonly entries: readonly Entry[];
  /** The text with one more entry; comments stay. */
  with(entry: Entry): string;
  without(index: number): string;
}

async function read(path: string, mayBeMissing = false): Promise<TokenFile> {
  const text = await textOf(path, mayBeMissing);
  const { isSeq, parseDocument } = await import('yaml');
  const document: Document = parseDocument(text.trim() === '' ? '[]' : text);
  const [error] = document.errors;
  // The parser's own message repeats the line, in which a token may stand by mistake.
  if (error !== undefined) {
    // An unquoted * is an alias in YAML.
    const fix = error.code === 'BAD_ALIAS' ? ': "*" has to stand in quotes' : '';
    throw wrong(path, `is not valid YAML or JSON (line ${error.linePos?.[0].line ?? 1})${fix}`);
  }
  const parsed = listSchema.safeParse(document.toJS() ?? []);
  if (!parsed.success) throw wrong(path, `is not valid: ${faultsOf(parsed.error)}`);
  const isJson = /^\s*[[{]/.test(text);
  const shown = () => (isJson ? `${JSON.stringify(document.toJS(), null, 2)}\n` : document.toString({ lineWidth: 0 }));
  return {
    entries: parsed.data,
    with(entry) {
      if (isSeq(document.contents)) {
        if (!isJson) document.contents.flow = false;
        document.contents.add(document.createNode(entry));
      } else document.contents = document.createNode([entry]);
      return shown();
    },
    without(index) {
      document.delete(index);
      return shown();
    },
  };
}

/** Without the values: a token may stand there by mistake. */
function faultsOf({ issues }: z.ZodError): string {
  const faults = issues.map((issue) => {
    const [index, field] = issue.path;
    const place =
      index === undefined ? 'it' : `entry ${Number(index) + 1}${field === undefined ? '' : `, ${String(field)}`}`;
    if (issue.code === 'unrecognized_keys')
      return `${place} has a field that does not exist (${issue.keys.join(', ')})`;
    return `${place} ${issue.message}`;
  });
  return faults.join('; ');
}

async function textOf(path: string, mayBeMissing: boolean): Promise<string> {
  try {
    const { size, mode } = await stat(path);
    if (size > MAX_BYTES) throw wrong(path, `is larger than ${MAX_BYTES / 1e6} MB`);
    if (process.platform !== 'win32' && (mode & WRITABLE_BY_ALL) !== 0) {
      throw wrong(path, 'can be written by every user of this computer: chmod o-w it');
    }
    // Some editors write a mark at the beginning.
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (errorCode(error) !== 'ENOENT') throw wrong(path, `cannot be read (${errorCode(error) ?? 'failed'})`);
    if (mayBeMissing) return '';
    throw wrong(path, 'does not exist; serve token add makes it');
  }
}

async function write(path: string, text: string, clock: Clock): Promise<void> {
  // A link stays one.
  const target = await realpath(path).catch(() => path);
  await writeDurably(target, text, { clock, mode: 0o600 });
}

function wrong(path: string, what: string): Problem {
  return new Problem('invalid_settings', {
    what: `JIMENG_VIDEO_TOKENS: ${path} ${what}.`,
    hint: 'correct the file, or the variable that names it',
  });
}
