/** Adds the server to a client's configuration file: everything else in it stays, and a backup is left beside it. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { applyEdits, modify, type ParseError, parse } from 'jsonc-parser';
import { NAME } from '../version.ts';
import type { Variables } from './setup-clients.ts';

export type Written =
  | { readonly kind: 'written'; readonly backup: string | undefined; readonly lacksKeys: boolean }
  | { readonly kind: 'unchanged'; readonly lacksKeys: boolean }
  /** Nothing was written. `reason` follows the file's name. */
  | { readonly kind: 'refused'; readonly reason: string };

interface Refusal {
  readonly reason: string;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param config what the file has to hold, as `setup` prints it: JSON, or TOML for a file of that name
 * @param keys the user's own, for the placeholders; what the file already has instead of a placeholder stays
 * @param outdated removed from a JSON file where they have these values
 * @throws the system's error when the file cannot be read or written
 */
export async function writeConfig(
  file: string,
  config: string,
  placeholders: Variables,
  keys: Variables,
  outdated: Variables = {},
): Promise<Written> {
  const target = await realpath(file).catch(() => file);
  const before = await readFile(target, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const bom = before?.startsWith('\ufeff') === true ? '\ufeff' : '';
  const text = (before ?? '').slice(bom.length);
  const merged = file.endsWith('.toml')
    ? mergedToml(text, config, keys)
    : mergedJson(withoutVariables(text, outdated), config, placeholders, keys);
  if (typeof merged !== 'string') return { kind: 'refused', reason: merged.reason };
  const lacksKeys = Object.values(placeholders).some((placeholder) => merged.includes(JSON.stringify(placeholder)));
  if (merged === text) return { kind: 'unchanged', lacksKeys };
  const isSecret = Object.values(keys).some((key) => merged.includes(JSON.stringify(key)));
  const backup = before === undefined ? undefined : await keepBackup(target, isSecret);
  await replaceFile(target, bom + merged, isSecret);
  return { kind: 'written', backup, lacksKeys };
}

/** @param isSecret keys are in the file: an earlier one may be in its backup */
async function keepBackup(file: string, isSecret: boolean): Promise<string> {
  for (let number = 1; ; number++) {
    const backup = number === 1 ? `${file}.backup` : `${file}.backup-${number}`;
    try {
      await copyFile(file, backup, constants.COPYFILE_EXCL);
      if (isSecret) await chmod(backup, 0o600);
      return backup;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** A client that reads meanwhile sees the old file or the new one. A new file, and one with keys, is the user's alone. */
async function replaceFile(file: string, text: string, isSecret: boolean): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const mode = await stat(file).then(
    (entry) => (isSecret ? 0o600 : entry.mode & 0o777),
    () => 0o600,
  );
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode, flag: 'wx' });
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

function mergedJson(text: string, config: string, placeholders: Variables, keys: Variables): string | Refusal {
  const errors: ParseError[] = [];
  const start = text.trim() === '' ? '{}\n' : text;
  const current: unknown = parse(start, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    return { reason: `is not valid JSON (line ${start.slice(0, error.offset).split('\n').length}): correct it first` };
  }
  if (!isObject(current)) return { reason: 'does not hold a JSON object: correct it first' };
  const { inputs = [], ...roots } = JSON.parse(config) as Record<string, Record<string, Json>> & { inputs?: Json[] };
  let merged = start;
  for (const [root, servers] of Object.entries(roots)) {
    const others = current[root];
    const old = isObject(others) ? others[NAME] : undefined;
    const wanted = withOwnValues(servers[NAME] ?? {}, old, placeholders, keys);
    merged = isObject(others)
      ? put(merged, [root, NAME], wanted, old)
      : put(merged, [root], { [NAME]: wanted }, others);
  }
  const known = Array.isArray(current.inputs) ? (current.inputs as readonly unknown[]) : [];
  const missing = inputs.filter(({ id }) => !known.some((input) => isObject(input) && input.id === id));
  if (missing.length === 0) return merged;
  return put(merged, ['inputs'], [...known, ...missing], current.inputs);
}

/** Takes these variables out of the server's entry, where they have these values. A text that is no JSON is left to the merge. */
function withoutVariables(text: string, outdated: Variables): string {
  const current: unknown = parse(text, [], { allowTrailingComma: true });
  if (!isObject(current)) return text;
  return ['mcpServers', 'servers'].reduce((changed, root) => {
    const servers = current[root];
    const entry = isObject(servers) ? servers[NAME] : undefined;
    const env = isObject(entry) && isObject(entry.env) ? entry.env : {};
    return Object.keys(outdated)
      .filter((name) => env[name] === outdated[name])
      .reduce((rest, name) => applyEdits(rest, modify(rest, [root, NAME, 'env', name], undefined, {})), changed);
  }, text);
}

/** What the user has changed in the server's entry stays; how it is started is set. */
function withOwnValues(entry: Json, old: unknown, placeholders: Variables, keys: Variables): Json {
  const { command, args, type } = entry;
  const launch = { command, args, ...(type === undefined ? {} : { type }) };
  const oldEnv: Json = isObject(old) && isObject(old.env) ? old.env : {};
  const own = Object.entries(oldEnv).filter(([name, value]) => value !== '' && value !== placeholders[name]);
  const entryEnv = isObject(entry.env) ? entry.env : {};
  const given = Object.entries(keys).filter(([name]) => entryEnv[name] === placeholders[name]);
  const env = { ...entryEnv, ...Object.fromEntries(own), ...Object.fromEntries(given) };
  return { ...entry, ...(isObject(old) ? old : {}), ...launch, env };
}

/** Changes only what differs, so that comments and order stay. */
function put(text: string, path: string[], wanted: unknown, current: unknown): string {
  if (isDeepStrictEqual(current, wanted)) return text;
  if (isObject(wanted) && isObject(current)) {
    return Object.entries(wanted).reduce(
      (changed, [name, value]) => put(changed, [...path, name], value, current[name]),
      text,
    );
  }
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const formattingOptions = { insertSpaces: !/\n\t/.test(text), tabSize: 2, eol };
  // First in its object: behind another entry it would come between that one and its comment.
  const getInsertionIndex = () => 0;
  return applyEdits(text, modify(text, path, wanted, { formattingOptions, getInsertionIndex }));
}

/** Codex reads `[mcp_servers.NAME]` and `[mcp_servers.NAME.env]`. Of an existing table only the start and given keys change. */
function mergedToml(text: string, config: string, keys: Variables): string | Refusal {
  const table = new RegExp(`^\\s*\\[mcp_servers\\.(["']?)${NAME}\\1(\\.env)?\\]`);
  const otherForm = new RegExp(`^\\s*(mcp_servers\\b.*|["']?)${NAME}["']?\\s*[.=]`);
  const given = Object.fromEntries(
    Object.entries(keys).map(([name, value]) => [name, `${name} = ${JSON.stringify(value)}`]),
  );
  const nameOf = (line: string) => /^\s*(\w+)\s*=/.exec(line)?.[1] ?? '';
  const block = config.split('\n').map((line) => given[nameOf(line)] ?? line);
  const lines = text.split('\n');
  if (lines.some((line) => otherForm.test(line)))
    return { reason: 'has the server in another form: change it by hand' };
  if (!lines.some((line) => table.test(line)))
    return `${text.trim() === '' ? '' : `${text.trimEnd()}\n\n`}${block.join('\n')}\n`;
  const start = Object.fromEntries(
    block.filter((line) => /^(command|args) =/.test(line)).map((line) => [nameOf(line), line]),
  );
  let isOurs = false;
  const merged = lines.map((line) => {
    if (/^\s*\[/.test(line)) isOurs = table.test(line);
    return (isOurs ? (start[nameOf(line)] ?? given[nameOf(line)]) : undefined) ?? line;
  });
  const isSplit = lines.some((line, index) => merged[index] !== line && /=\s*\[[^\]]*$/.test(line));
  return isSplit ? { reason: 'has the arguments on several lines: change them by hand' } : merged.join('\n');
}
