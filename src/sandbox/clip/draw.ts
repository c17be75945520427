/** Draws a clip frame by frame and packs it into an MP4. */
import {
  BufferTarget,
  EncodedPacket,
  EncodedVideoPacketSource,
  type MetadataTags,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import type { Font } from './font.ts';
import { avcC, Encoder, type Picture } from './h264.ts';
import { blankPicture, Label, paintBackground, paintImage, type Rgba } from './paint.ts';

export interface Drawing {
  /** Multiples of 16. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Written into the picture, one below the other. */
  readonly lines: readonly string[];
  /** First frame, then tail; undefined: it was given, but cannot be shown. */
  readonly images: readonly (Rgba | undefined)[];
  /** The content label that the file carries as `AIGC` (GB 45438). */
  readonly aigc?: string | undefined;
}

const FRAMES_PER_SECOND = 24;
/** How long a given picture is shown without the label, at the start and, for the tail, at the end. */
const CLEAN_FRAMES = 6;
const BAR_STEP_FRAMES = 3;

/** @returns an MP4 of H.264 without sound, its index in front */
export async function drawClip(drawing: Drawing, font: Font): Promise<Uint8Array> {
  const { width, height, aigc } = drawing;
  const output = new Output({
    format: new Mp4OutputFormat({ fastStart: 'in-memory', metadataFormat: 'mdta' }),
    target: new BufferTarget(),
  });
  const source = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(source, { frameRate: FRAMES_PER_SECOND });
  if (aigc !== undefined) output.setMetadataTags({ raw: { AIGC: aigc } } satisfies MetadataTags);
  await output.start();
  const colorSpace = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false } as const;
  const decoderConfig = {
    codec: 'avc1.42c02a',
    codedWidth: width,
    codedHeight: height,
    description: avcC(width, height),
    colorSpace,
  };
  const encoder = new Encoder();
  let frame = 0;
  for (const { picture, changed } of framesOf(drawing, font)) {
    const bytes = encoder.encode(picture, changed);
    const [at, length] = [frame / FRAMES_PER_SECOND, 1 / FRAMES_PER_SECOND];
    await source.add(new EncodedPacket(bytes, frame === 0 ? 'key' : 'delta', at, length), { decoderConfig });
    frame += 1;
  }
  await output.finalize();
  return new Uint8Array(output.target.buffer ?? new ArrayBuffer(0));
}

interface Frame {
  readonly picture: Picture;
  readonly changed: ReadonlySet<number>;
}

/** The given picture clean, then with the label; half-way the tail with the label, and at the end the tail clean. */
function* framesOf({ width, height, frames, lines, images }: Drawing, font: Font): Generator<Frame> {
  const picture = blankPicture(width, height);
  const label = new Label(picture, lines.length);
  const all = new Set(Array.from({ length: (width / 16) * (height / 16) }, (_, index) => index));
  const show = (image: Rgba | undefined) => {
    if (image === undefined) paintBackground(picture, lines.join());
    else paintImage(picture, image);
    return all;
  };
  const [first, tail] = images;
  const labelFrom = first === undefined ? 0 : CLEAN_FRAMES;
  const tailFrom = tail === undefined ? frames : Math.floor(frames / 2);
  const cleanFrom = tail === undefined ? frames : frames - CLEAN_FRAMES;
  for (let frame = 0; frame < frames; frame++) {
    let changed: ReadonlySet<number> = new Set();
    if (frame === 0) changed = show(first);
    if (frame === tailFrom || frame === cleanFrom) changed = show(tail);
    const isLabelled = frame >= labelFrom && frame < cleanFrom;
    if (isLabelled && (frame === labelFrom || frame === tailFrom))
      changed = new Set([...changed, ...label.paint(font, lines)]);
    if (isLabelled && (frame - labelFrom) % BAR_STEP_FRAMES === 0) {
      const moved = label.moveBar((frame - labelFrom) / (cleanFrom - labelFrom - 1));
      changed = new Set([...changed, ...moved]);
    }
    yield { picture, changed };
  }
}
