/** Reads a storyboard file (YAML or JSON), and describes its format as a JSON Schema for editors. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import { type FilmInput, filmShape, MAX_SHOTS, MIN_SHOTS, shotShape, withFilmRules } from '../films/storyboard.ts';
import { MAX_PROMPT_CHARACTERS } from '../jimeng/modes.ts';
import { nearestName } from '../nearest-name.ts';
import { Problem } from '../problems.ts';
import { inputFaults } from '../report/invalid-input.ts';
import { errorCode } from '../system/files.ts';
import { DURATIONS } from '../tasks/video-request.ts';

/** The longest storyboard has 24 prompts of 800 characters; a picture belongs into a file of its own. */
const MAX_BYTES = 1_000_000;

const fileShape = {
  ...filmShape,
  output: z.string('must be a text: a path').optional().describe('File or folder to save to.'),
  $schema: z.string().optional().describe('The JSON Schema of this file, for editors.'),
};
const fileSchema = withFilmRules(z.strictObject(fileShape));

export interface StoryboardFile {
  /** Its paths are absolute. */
  readonly film: FilmInput;
  readonly output: string | undefined;
}

/**
 * Paths in the file are relative to its folder, so that a storyboard and its pictures can be moved together.
 * @throws Problem invalid_input with everything that is wrong
 */
export async function readStoryboard(path: string): Promise<StoryboardFile> {
  const shown = basename(path);
  const parsed = fileSchema.safeParse(await contentOf(path), { reportInput: true });
  if (!parsed.success) throw invalid(faultsOf(parsed.error).join(' '), `correct ${shown}`);
  const { $schema: _, output, ...film } = parsed.data;
  const folder = dirname(resolve(path));
  const local = (text: string) => pathIn(folder, text);
  const placed: FilmInput = {
    ...film,
    shots: film.shots.map((shot) => ({ ...shot, ...located(shot, ['image', 'tail_image'], local) })),
    ...located(film, ['audio'], local),
    ...(film.keyframes === undefined ? {} : { keyframes: film.keyframes.map(local) }),
  };
  return { film: placed, output: output === undefined ? undefined : local(output) };
}

async function contentOf(path: string): Promise<unknown> {
  const shown = basename(path);
  const bytes = await bytesOf(path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(`${shown} is not a text in UTF-8.`, 'save it as UTF-8');
  }
  // Loaded here: no other command needs it.
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  // JSON is YAML, too.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw invalid(`${shown}, line ${line}, column ${col}: ${error.message}.`, 'correct it');
  }
  try {
    return document.toJS();
  } catch (cause) {
    // Aliases that would grow without end, or name nothing.
    throw invalid(`${shown} cannot be read: ${(cause as Error).message}.`, 'correct it');
  }
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) {
      throw invalid(
        `${basename(path)} has ${size} bytes, at most ${MAX_BYTES} are read.`,
        'give the storyboard, and name its pictures by their paths',
      );
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof Problem) throw error;
    const code = errorCode(error);
    const reason =
      code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder' : `cannot be read (${code})`;
    throw new Problem('invalid_input', {
      what: `The storyboard ${resolve(path)} ${reason}.`,
      hint: 'give the path of a YAML or JSON file',
      cause: error,
    });
  }
}

function invalid(what: string, hint: string): Problem {
  return new Problem('invalid_input', { what, hint });
}

/** With the name that a misspelt one most likely means. */
function faultsOf(error: z.ZodError): string[] {
  if (error.issues.some(({ path, code }) => path.length === 0 && code === 'invalid_type')) {
    return ['The file must hold a storyboard: `shots`, a list of shots, and what belongs to all of them.'];
  }
  return inputFaults(error).map((fault) => {
    const [, name, ofShot] = /^`([^`]+)`( of shot \d+)? is not an input(?:;.*)?\.$/.exec(fault) ?? [];
    if (name === undefined) return fault;
    const known = Object.keys(ofShot === undefined ? fileShape : shotShape).filter((key) => key !== '$schema');
    return `\`${name}\`${ofShot ?? ''} is not known; did you mean \`${nearestName(name, known)}\`? Known are ${known.join(', ')}.`;
  });
}

function located<Fields extends object, Name extends keyof Fields>(
  fields: Fields,
  names: readonly Name[],
  local: (text: string) => string,
): Partial<Record<Name, string>> {
  const given = names.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' ? [[name, local(value)] as const] : [];
  });
  return Object.fromEntries(given) as Partial<Record<Name, string>>;
}

/** A URL, `task:ID`, a drive, a bare task id, a home folder, or bytes as a text: none of them is relative. */
const NOT_RELATIVE = /^([a-z][\w+.-]*:|jv-|~|[\w+/=-]{400})/i;

function pathIn(folder: string, text: string): string {
  if (text.trim() === '' || isAbsolute(text) || NOT_RELATIVE.test(text.trim())) return text;
  // `join` drops no separator at the end: "videos/" is a folder.
  return join(folder, text);
}

/** For editors. A test holds it equal to assets/storyboard.schema.json. @public also for scripts, which bundle it */
export function storyboardSchema(): object {
  const schema: SchemaNode = z.toJSONSchema(z.strictObject(fileShape), {
    io: 'input',
    target: 'draft-7',
  }) as SchemaNode;
  const { shots, keyframes } = schema.properties ?? {};
  const { duration, prompt } = shots?.items?.properties ?? {};
  // The rules between the inputs are checked when the file is read; these can be said here.
  Object.assign(shots ?? {}, { minItems: MIN_SHOTS, maxItems: MAX_SHOTS });
  Object.assign(keyframes ?? {}, { minItems: MIN_SHOTS + 1, maxItems: MAX_SHOTS + 1 });
  Object.assign(duration ?? {}, { enum: DURATIONS });
  Object.assign(prompt ?? {}, { maxLength: MAX_PROMPT_CHARACTERS, description: 'What the shot shows.' });
  const { $schema, ...rest } = schema;
  const title = 'Storyboard of a film (jimeng-video-mcp)';
  return { $schema, title, description: 'Several shots that are joined into one MP4.', ...rest };
}

interface SchemaNode {
  readonly $schema?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}
