/** What a client can read without a tool call: the table of modes, and what is known here about a task. */
import {
  ASPECT_RATIOS,
  CAMERA_STRENGTHS,
  CAMERA_TEMPLATES,
  type CameraTemplate,
  FRAMES_OF_SECONDS,
  type GeneratedSeconds,
  MODE_NAMES,
  type ModeName,
  modeRow,
  type Need,
  priceCny,
} from '../jimeng/modes.ts';
import type { Caller } from '../library/library.ts';
import { Problem } from '../problems.ts';
import { renderReport } from '../report/render.ts';
import { isTaskId } from '../tasks/record.ts';
import { DURATIONS, FRAME_RATES, GENERATED_SECONDS, inferMode } from '../tasks/video-request.ts';
import type { ToolService } from './tool-service.ts';

const MIME_TYPE = 'text/markdown';
const MODES_URI = 'jimeng://modes';
const TASK_URI = 'jimeng://tasks/';

/** The protocol's limit of values in a completion. */
const MAX_COMPLETIONS = 100;

/** As resources/list shows them. Tasks are not listed: a list must touch no disk, and there can be thousands. */
export const RESOURCES = [
  {
    uri: MODES_URI,
    name: 'modes',
    title: 'Modes, prices and camera templates',
    description: 'The eight modes of Jimeng Video 3.0: inputs, lengths, ratios and prices; the camera templates.',
    mimeType: MIME_TYPE,
  },
] as const;

/** As resources/templates/list shows them. */
export const RESOURCE_TEMPLATES = [
  {
    uriTemplate: `${TASK_URI}{task_id}`,
    name: 'task',
    title: 'A video task',
    description: 'What this computer knows about a task, without a query to the provider: free and immediate.',
    mimeType: MIME_TYPE,
  },
] as const;

export interface ReadResource {
  readonly uri: string;
  readonly mimeType: string;
  readonly text: string;
}

/**
 * Reads records and writes nothing; the provider is not asked, and nothing that was left open is resumed.
 * @returns undefined when there is no such resource, or none that the caller may see
 * @throws Problem missing_credentials or invalid_settings (whose tasks are meant is not known), state_not_writable
 */
export async function readResource(
  uri: string,
  service: ToolService,
  caller: Caller,
): Promise<ReadResource | undefined> {
  if (uri === MODES_URI) return { uri, mimeType: MIME_TYPE, text: renderModes() };
  const id = taskIdOf(uri);
  const report = id === undefined ? undefined : await service.read(id, caller);
  return report === undefined ? undefined : { uri, mimeType: MIME_TYPE, text: renderReport(report) };
}

/** Ours, or the provider's; undefined for anything else. */
function taskIdOf(uri: string): string | undefined {
  if (!uri.startsWith(TASK_URI)) return undefined;
  const id = uri.slice(TASK_URI.length);
  return isTaskId(id) || /^\d{10,24}$/.test(id) ? id : undefined;
}

/** @returns our ids with this beginning, newest first; none without keys, since a completion cannot explain that */
export async function completeTaskId(prefix: string, service: ToolService, caller: Caller): Promise<string[]> {
  try {
    return [...(await service.taskIds(prefix, MAX_COMPLETIONS, caller))];
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

/** The provider's names of the camera templates in English; they say no more than the names do. */
export const CAMERA_NAMES: Readonly<Record<CameraTemplate, string>> = {
  hitchcock_dolly_in: 'Hitchcock push-in',
  hitchcock_dolly_out: 'Hitchcock pull-out',
  robo_arm: 'robot arm',
  dynamic_orbit: 'dynamic orbit around the subject',
  central_orbit: 'orbit around the centre',
  crane_push: 'crane',
  quick_pull_back: 'super pull-back',
  counterclockwise_swivel: 'swivel counterclockwise',
  clockwise_swivel: 'swivel clockwise',
  handheld: 'handheld camera',
  rapid_push_pull: 'rapid push and pull',
};

const LENGTHS = Object.keys(FRAMES_OF_SECONDS).map(Number) as GeneratedSeconds[];
const NEED_WORDS: Readonly<Record<Need, string>> = { required: 'required', optional: 'optional', none: '–' };

function renderModes(): string {
  return [
    '# Jimeng Video 3.0: modes, prices, camera templates',
    table(
      ['mode', 'makes', 'prompt', 'image', 'tail_image', 'aspect_ratio', 'template_id', ...LENGTHS.map(priceHeading)],
      MODE_NAMES.map(modeCells),
    ),
    'Prices are in CNY and are charged for a finished video only. –: the mode does not take the input. A call that gives it is refused, except with its default (`aspect_ratio` 16:9), which counts as left out.',
    `**Without \`mode\`** it follows from the inputs: ${defaults()}.`,
    `**Lengths** (\`duration\`, seconds): ${lengths()}.`,
    `**Frame rates** (\`fps\`): ${FRAME_RATES.join(', ')}. The service makes 24; the others are converted after the download, with ffmpeg.`,
    `**Ratios** (\`aspect_ratio\`): ${ASPECT_RATIOS.join(', ')}; default 16:9. With an image the video has the image's ratio (ti2v_pro: the nearest of these).`,
    `**Camera templates** (\`template_id\`, i2v_recamera_720p only; \`camera_strength\` ${CAMERA_STRENGTHS.join(', ')}, default medium). Everywhere else a camera movement is written into the prompt.`,
    renderTemplates(),
  ].join('\n\n');
}

/** The camera templates, each with the provider's name and its translation. */
export function renderTemplates(): string {
  const ids = Object.keys(CAMERA_TEMPLATES) as CameraTemplate[];
  return table(
    ['template_id', 'name', 'movement'],
    ids.map((id) => [id, CAMERA_TEMPLATES[id], CAMERA_NAMES[id]]),
  );
}

function priceHeading(seconds: GeneratedSeconds): string {
  return `${seconds} s`;
}

function modeCells(name: ModeName): string[] {
  const { summary, prompt, image, tailImage, aspectRatio, camera } = modeRow(name);
  const needs = [image, tailImage, aspectRatio, camera].map((need) => NEED_WORDS[need]);
  return [name, summary, prompt, ...needs, ...LENGTHS.map((seconds) => `¥${priceCny(name, seconds).toFixed(2)}`)];
}

function defaults(): string {
  const [image, tail_image] = ['first.png', 'last.png'];
  const cases = [
    ['`template_id`', inferMode({ image, template_id: 'handheld' })],
    ['`image` and `tail_image`', inferMode({ image, tail_image })],
    ['`image`', inferMode({ image })],
    ['none of them', inferMode({})],
  ];
  return cases.map(([given, mode]) => `${given} → ${mode}`).join('; ');
}

function lengths(): string {
  return DURATIONS.map((asked) => {
    const made = GENERATED_SECONDS[asked];
    return made === asked ? String(asked) : `${asked} (generated and billed as ${made}, then trimmed)`;
  }).join(', ');
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heading), `|${'---|'.repeat(heading.length)}`, ...rows.map(line)].join('\n');
}
