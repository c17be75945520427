/** Prompts that help a user to a good shot. They end in the call, after the user has agreed to the price. */
import * as z from 'zod';
import {
  ASPECT_RATIOS,
  CAMERA_STRENGTHS,
  CAMERA_TEMPLATE_IDS,
  CAMERA_TEMPLATES,
  type ModeName,
  priceCny,
} from '../jimeng/modes.ts';
import { Problem } from '../problems.ts';
import { invalidInput } from '../report/invalid-input.ts';
import {
  DURATIONS,
  modeOfQuality,
  promptLength,
  QUALITY_NAMES,
  type Quality,
  settleRequest,
  videoShape,
  withModeRules,
} from '../tasks/video-request.ts';
import { FILM_SECONDS, filmPlanText } from './film-plan.ts';
import { LANGUAGES, type Language, SHOT_TEXTS } from './prompt-texts.ts';

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

export interface Prompt {
  readonly name: 'write_shot' | 'move_camera' | 'plan_film';
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
}

export interface RenderedPrompt {
  readonly description: string;
  readonly messages: readonly { readonly role: 'user'; readonly content: { readonly type: 'text'; text: string } }[];
}

const optional = (name: string, description: string): PromptArgument => ({ name, description, required: false });
const required = (name: string, description: string): PromptArgument => ({ name, description, required: true });

const DURATION = optional('duration', `Seconds: ${DURATIONS.join(', ')}; default 5`);
const LANGUAGE = optional('language', 'en or zh; default: as the idea is written');

/** As prompts/list shows them. */
export const PROMPTS: readonly Prompt[] = [
  {
    name: 'write_shot',
    title: '写一个镜头 / Write a shot',
    description:
      'Makes a video prompt of an idea (subject, action, scene, camera, light), says the price, and generates it.',
    arguments: [
      required('idea', 'What the video is to show, in a few words, Chinese or English'),
      optional('quality', `${QUALITY_NAMES.join(', ')}; default 720p`),
      DURATION,
      optional('aspect_ratio', `${ASPECT_RATIOS.join(', ')}; default 16:9; not with an image`),
      optional('image', 'First frame: a path, an http(s) URL, or task:ID'),
      optional('tail_image', 'Last frame; needs image, not with pro'),
      LANGUAGE,
    ],
  },
  {
    name: 'move_camera',
    title: '图片运镜 / Move the camera over a picture',
    description: 'Animates a picture with one of the camera templates, says the price, and generates it (720p).',
    arguments: [
      required('image', 'The picture: a path, an http(s) URL, or task:ID'),
      required('idea', 'What happens in the picture, in a few words, Chinese or English'),
      optional('template_id', 'The camera movement; left out: chosen from the table'),
      optional('camera_strength', `${CAMERA_STRENGTHS.join(', ')}; default medium`),
      DURATION,
      LANGUAGE,
    ],
  },
  {
    name: 'plan_film',
    title: '策划一部影片 / Plan a film',
    description:
      'Turns an idea and a length into a storyboard of several shots, says the total price, and makes the film.',
    arguments: [
      required('idea', 'What the film tells, in a few sentences, Chinese or English'),
      optional('length', `Seconds, ${FILM_SECONDS.min} to ${FILM_SECONDS.max}; default 20`),
      optional('quality', `${QUALITY_NAMES.join(', ')}; default 720p`),
      optional('aspect_ratio', `${ASPECT_RATIOS.join(', ')}; default 16:9`),
      optional('audio', 'Path of an m4a or mp3 to lay under the film'),
      LANGUAGE,
    ],
  },
];

/** An idea, not a screenplay; it is repeated in the text. */
const MAX_IDEA_CHARACTERS = 2000;

/** Argument → what it may be. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  quality: QUALITY_NAMES,
  duration: DURATIONS.map(String),
  aspect_ratio: ASPECT_RATIOS,
  template_id: CAMERA_TEMPLATE_IDS,
  camera_strength: CAMERA_STRENGTHS,
  language: LANGUAGES,
};

const callSchema = withModeRules(z.strictObject(videoShape));
type CallInput = z.input<typeof callSchema>;

/** @returns the values of an argument that begin so; a camera template also by the provider's name */
export function completeArgument(promptName: string, argument: string, value: string): string[] {
  const prompt = PROMPTS.find(({ name }) => name === promptName);
  if (!prompt?.arguments.some(({ name }) => name === argument)) return [];
  const begins = (text: string) => text.toLowerCase().startsWith(value.trim().toLowerCase());
  return (CHOICES[argument] ?? []).filter((choice) => begins(choice) || begins(otherNameOf(choice)));
}

function otherNameOf(choice: string): string {
  return (CAMERA_TEMPLATES as Readonly<Record<string, string>>)[choice] ?? choice;
}

/**
 * @param args texts, as the protocol has them; an empty one counts as left out
 * @returns undefined when there is no such prompt
 * @throws Problem invalid_input with every argument that is wrong
 */
export function renderPrompt(name: string, args: Readonly<Record<string, string>> = {}): RenderedPrompt | undefined {
  const prompt = PROMPTS.find((known) => known.name === name);
  if (prompt === undefined) return undefined;
  const given = trimmed(args);
  const problems = [...problemsOf(prompt, given)];
  if (problems.length > 0) throw wrong(problems);
  const text = prompt.name === 'plan_film' ? planText(given) : shotText(prompt, given);
  return { description: prompt.description, messages: [{ role: 'user', content: { type: 'text', text } }] };
}

function planText({ idea = '', length, quality, language, ...inputs }: Readonly<Record<string, string>>): string {
  return filmPlanText({
    idea,
    language: languageOf({ ...(language === undefined ? {} : { language }), idea }),
    quality: qualityOf(quality),
    length: length === undefined ? undefined : Number(length),
    inputs,
  });
}

function shotText(prompt: Prompt, given: Readonly<Record<string, string>>): string {
  const mode = modeFor(prompt, given);
  const input = callOf(given, mode);
  const choosesTemplate = prompt.name === 'move_camera' && given.template_id === undefined;
  // Any template will do to check the others with.
  const complete = choosesTemplate ? { ...input, template_id: CAMERA_TEMPLATE_IDS[0] } : input;
  const checked = callSchema.safeParse(complete, { reportInput: true });
  if (!checked.success) throw invalidInput(checked.error);
  const seconds = settleRequest(checked.data).generatedSeconds;
  const words = SHOT_TEXTS[languageOf(given)];
  // What the model still has to fill in stands where it goes.
  const places = { prompt: words.promptPlace, ...(choosesTemplate ? { template_id: words.templatePlace } : {}) };
  return words.text({
    idea: given.idea ?? '',
    price: priceCny(mode, seconds).toFixed(2),
    billedSeconds: seconds,
    call: JSON.stringify({ ...input, ...places }),
    hasImage: given.image !== undefined,
    hasTail: given.tail_image !== undefined,
    choosesTemplate,
    template: given.template_id,
  });
}

/** A choice in other letters, such as 1080P, is that choice. */
function trimmed(args: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(args).map(([name, value]) => {
    const text = String(value).trim();
    return [name, CHOICES[name]?.find((choice) => choice === text.toLowerCase()) ?? text] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

function qualityOf(given: string | undefined): Quality {
  return QUALITY_NAMES.find((known) => known === given) ?? '720p';
}

function wrong(problems: readonly string[]): Problem {
  return new Problem('invalid_input', { what: problems.join(' '), hint: 'correct the arguments' });
}

function problemsOf({ arguments: known }: Prompt, given: Readonly<Record<string, string>>): string[] {
  const names = known.map(({ name }) => name);
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  const missing = known.filter(({ name, required }) => required && given[name] === undefined);
  const outside = names.filter((name) => given[name] !== undefined && !(CHOICES[name]?.includes(given[name]) ?? true));
  return [
    ...unknown.map((name) => `There is no argument ${JSON.stringify(name)}; the arguments are ${names.join(', ')}.`),
    ...missing.map(({ name, description }) => `\`${name}\` is missing: ${description}.`),
    ...outside.map((name) => `\`${name}\` must be one of ${CHOICES[name]?.join(', ')}, but is "${given[name]}".`),
    ...(promptLength(given.idea ?? '') > MAX_IDEA_CHARACTERS
      ? [`\`idea\` has ${promptLength(given.idea ?? '')} characters, at most ${MAX_IDEA_CHARACTERS} are taken.`]
      : []),
    ...(given.length === undefined || !names.includes('length') || isFilmLength(given.length)
      ? []
      : [
          `\`length\` must be a number of seconds from ${FILM_SECONDS.min} to ${FILM_SECONDS.max}, but is "${given.length}".`,
        ]),
  ];
}

function isFilmLength(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= FILM_SECONDS.min && Number(text) <= FILM_SECONDS.max;
}

/** The mode of the quality that takes exactly these pictures. @throws Problem with the qualities that do */
function modeFor({ name }: Prompt, given: Readonly<Record<string, string>>): ModeName {
  const pictures = {
    image: given.image !== undefined,
    tailImage: given.tail_image !== undefined,
    camera: name === 'move_camera',
  };
  const quality = qualityOf(given.quality);
  const mode = modeOfQuality(quality, pictures);
  if (mode !== undefined) return mode;
  if (pictures.tailImage && !pictures.image)
    throw wrong(['`image` is missing: `tail_image` needs a first frame beside it.']);
  const others = QUALITY_NAMES.filter((other) => modeOfQuality(other, pictures) !== undefined);
  throw wrong([`No ${quality} mode takes these pictures: \`quality\` must be ${others.join(' or ')}.`]);
}

/** What generate_video is called with; the prompt is the model's to write. */
function callOf(given: Readonly<Record<string, string>>, mode: ModeName): CallInput {
  const { idea: _idea, quality: _quality, language: _language, duration, ...rest } = given;
  // Text of a choice that was checked: the schema looks again.
  return { prompt: '…', mode, ...(duration === undefined ? {} : { duration: Number(duration) }), ...rest } as CallInput;
}

function languageOf({ language, idea = '' }: Readonly<Record<string, string>>): Language {
  return LANGUAGES.find((known) => known === language) ?? (/\p{Script=Han}/u.test(idea) ? 'zh' : 'en');
}
