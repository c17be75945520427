/** The table of modes and the camera templates as Markdown, derived from jimeng/modes.ts. */
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
import { DURATIONS, FRAME_RATES, GENERATED_SECONDS, inferMode } from '../tasks/video-request.ts';

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

export function renderModes(): string {
  return [
    '# Jimeng Video 3.0: modes, prices, camera templates',
    table(
      ['mode', 'makes', 'prompt', 'image', 'tail_image', 'aspect_ratio', 'template_id', ...LENGTHS.map(priceHeading)],
      MODE_NAMES.map(modeCells),
    ),
    'Prices are in CNY and are charged for a finished video only. – : the mode does not take the input, and a call that gives it is refused.',
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
