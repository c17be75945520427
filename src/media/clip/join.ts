/** Joins clips into one film: unchanged where they fit together, else encoded again with ffmpeg to one size and rate. */
import { rm } from 'node:fs/promises';
import { Problem } from '../../problems.ts';
import { type ClipFacts, type ClipOptions, READ_LIMIT_MILLISECONDS, readFailure, runJob } from './clip.ts';
import type { ClipDescription } from './describe-clip.ts';
import { inBrackets } from './failure.ts';
import { encoderOrProblem, type Ffmpeg } from './ffmpeg.ts';
import { exactRate, matchAudio, matchClip } from './match.ts';
import type { RunLimits } from './run-program.ts';
import type { SoundDescription } from './sound.ts';
import { openClipThread } from './thread.ts';

export interface JoinOptions {
  readonly clock: RunLimits['clock'];
  readonly signal?: AbortSignal | undefined;
  /** Without it, only clips that fit together are joined. */
  readonly ffmpeg?: Ffmpeg | undefined;
  /** Laid under the film and cut at its end; the clips' own sound is left out. */
  readonly audio?: string | undefined;
  /** Of the film; otherwise the first clip's. */
  readonly fps?: number | undefined;
}

/** Two clips that do not fit together, or one that fits to none; positions from 0. */
export interface Misfit {
  readonly clips: readonly [number, number] | readonly [number];
  /** A clause about them, such as "clips 1 and 3 have different sizes: 1248×704 and 704×1248". */
  readonly difference: string;
}

export type JoinResult =
  | {
      readonly joined: true;
      readonly facts: ClipFacts;
      /** With ffmpeg, at some loss of quality. */
      readonly reencoded: boolean;
      /** Clauses for the report: what was changed or left out. */
      readonly notes: readonly string[];
    }
  /** Nothing was written: ffmpeg is needed. */
  | { readonly joined: false; readonly misfit: Misfit };

/** Joining may take this long, and as long as a slow disk takes to write the film. */
const JOIN_LIMIT_MILLISECONDS = 60_000;
const SLOW_DISK_BYTES_A_MILLISECOND = 5000;

/**
 * Writes the film of `inputs`, in order, to `output`, a temporary path of ours, and syncs it. Nothing is held in memory
 * but one group of frames. On failure `output` is removed; beside it, files named `${output}.…` exist meanwhile.
 * @throws Problem `unplayable_video` for an input; `ffmpeg_missing` for a sound that needs it; `conversion_failed`; the
 * signal's reason
 */
export async function joinClips(inputs: readonly string[], output: string, options: JoinOptions): Promise<JoinResult> {
  const thread = openClipThread();
  const scratch: string[] = [];
  try {
    const inThread: ClipOptions = { thread, signal: options.signal };
    const clips = await describeAll(inputs, inThread);
    const fps = options.fps ?? filmRate(clips);
    const misfit = misfitOf(clips, fps);
    if (misfit !== undefined && options.ffmpeg === undefined) return { joined: false, misfit };
    const notes = notesOf(clips, misfit);

    let fitting = clips;
    let sources = inputs;
    if (misfit !== undefined && options.ffmpeg !== undefined) {
      const { ffmpeg } = options;
      refuseHighDynamicRange(inputs, clips, misfit);
      const encoder = await encoderOrProblem(ffmpeg, options);
      const { width, height } = (clips[0] as ClipDescription).facts;
      sources = inputs.map((_, index) => `${output}.clip-${index + 1}`);
      scratch.push(...sources);
      for (const [index, clip] of clips.entries()) {
        const look = { width, height, fps, facts: clip.facts };
        await matchClip(inputs[index] as string, sources[index] as string, look, { ffmpeg, encoder }, options);
      }
      fitting = await describeAll(sources, inThread);
      const still = misfitOf(fitting, fps);
      if (still !== undefined) throw new Error(`encoded again, ${still.difference}`);
    }
    const frames = fitting.reduce((sum, clip) => sum + clip.facts.frames, 0);
    const audio = await fittingAudio(output, frames / fps, { ...options, thread }, notes, scratch);
    const bytes = fitting.reduce((sum, clip) => sum + clip.facts.bytes, 0);
    const labels = [...new Set(clips.flatMap(({ label }) => (label === undefined ? [] : [label])))];
    const facts = await runJob<ClipFacts>(
      { step: 'join', sources, target: output, frames, fps: exactRate(fps), audio, labels },
      inThread,
      JOIN_LIMIT_MILLISECONDS + Math.ceil(bytes / SLOW_DISK_BYTES_A_MILLISECOND),
    );
    return { joined: true, facts, reencoded: misfit !== undefined, notes };
  } catch (error) {
    await rm(output, { force: true }).catch(() => {});
    options.signal?.throwIfAborted();
    if (error instanceof Problem) throw error;
    throw new Problem('conversion_failed', {
      what: `The videos could not be joined${inBrackets(error)}; they are kept.`,
      hint: 'use the single videos',
      cause: error,
    });
  } finally {
    await thread.close();
    for (const file of scratch) await rm(file, { force: true }).catch(() => {});
  }
}

/** One after the other. @throws Problem `unplayable_video` that names the first that cannot be read */
async function describeAll(inputs: readonly string[], options: ClipOptions): Promise<ClipDescription[]> {
  const clips: ClipDescription[] = [];
  for (const source of inputs) {
    try {
      clips.push(await runJob<ClipDescription>({ step: 'describe', source }, options, READ_LIMIT_MILLISECONDS));
    } catch (error) {
      options.signal?.throwIfAborted();
      const what = `"${source}" is not a playable MP4: ${readFailure(error)}.`;
      throw new Problem('unplayable_video', { what, hint: 'leave it out, or give another file', cause: error });
    }
  }
  return clips;
}

/** The first clip's where its frames are equally long, else the provider's. */
function filmRate(clips: readonly ClipDescription[]): number {
  const [first] = clips;
  return first === undefined || first.obstacle !== undefined ? 24 : first.facts.fps;
}

/** The first clip that does not fit to the first one, or to any. Pure. */
function misfitOf(clips: readonly ClipDescription[], fps: number): Misfit | undefined {
  for (const [index, clip] of clips.entries()) {
    const first = clips[0] as ClipDescription;
    const [a, b] = [first.facts, clip.facts];
    const both = `clips 1 and ${index + 1}`;
    if (clip.obstacle !== undefined) return { clips: [index], difference: `clip ${index + 1} ${clip.obstacle}` };
    const differ = (difference: string): Misfit => ({ clips: [0, index], difference: `${both} ${difference}` });
    if (a.width !== b.width || a.height !== b.height) {
      return differ(`have different sizes: ${a.width}×${a.height} and ${b.width}×${b.height}`);
    }
    if (a.fps !== b.fps) return differ(`have different frame rates: ${a.fps} and ${b.fps}`);
    if (first.codec !== clip.codec) return differ(`have different codecs: ${first.codec} and ${clip.codec}`);
    if (first.decoder !== clip.decoder) return differ('were encoded with different settings');
    if (b.fps !== fps) {
      return { clips: [index], difference: `clip ${index + 1} has ${b.fps} frames a second, and the film ${fps}` };
    }
  }
  return undefined;
}

/** Encoded again in BT.709 its colours would be pale. @throws Problem that names the clip */
function refuseHighDynamicRange(
  inputs: readonly string[],
  clips: readonly ClipDescription[],
  { difference }: Misfit,
): void {
  const index = clips.findIndex(({ isHighDynamicRange }) => isHighDynamicRange);
  if (index < 0) return;
  throw new Problem('conversion_failed', {
    what: `The videos could not be joined: ${difference}, and "${inputs[index]}" is HDR, whose colours would be lost in encoding it again.`,
    hint: 'convert it to SDR first, or leave it out',
  });
}

function notesOf(clips: readonly ClipDescription[], misfit: Misfit | undefined): string[] {
  const loud = clips.flatMap(({ hasSound }, index) => (hasSound ? [index + 1] : []));
  return [
    ...(misfit === undefined ? [] : [`${misfit.difference}, so all were encoded again to one size and frame rate`]),
    ...(loud.length === 0 ? [] : [`the sound of clip ${loud.join(', ')} was left out`]),
  ];
}

/** @returns the file whose packets are copied: the one that was given, or AAC made of it with ffmpeg. Adds to `notes` and `scratch` */
async function fittingAudio(
  output: string,
  filmSeconds: number,
  options: JoinOptions & Pick<ClipOptions, 'thread'>,
  notes: string[],
  scratch: string[],
): Promise<string | undefined> {
  const { audio } = options;
  if (audio === undefined) return undefined;
  const sound = await runJob<SoundDescription>(
    { step: 'describe sound', source: audio },
    options,
    READ_LIMIT_MILLISECONDS,
  );
  if (sound.codec === 'mp3') notes.push('some Apple players do not play mp3 in an MP4; give an m4a for those');
  if (sound.codec !== undefined) {
    const missing = filmSeconds - sound.seconds;
    if (missing > 0.1) notes.push(`the sound ends ${missing.toFixed(1)} s before the film`);
    return audio;
  }
  if (options.ffmpeg === undefined) {
    throw new Problem('ffmpeg_missing', {
      what: `"${audio}" is neither an m4a with AAC nor an mp3, and other sound needs ffmpeg.`,
      hint: 'give an m4a or mp3, or install ffmpeg',
    });
  }
  const target = `${output}.sound`;
  scratch.push(target);
  try {
    await matchAudio(audio, target, filmSeconds, options.ffmpeg, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Problem('invalid_input', {
      what: `No sound could be read from "${audio}".`,
      hint: 'give an m4a or mp3',
      cause: error,
    });
  }
  return target;
}
