/** How does what a user names as a picture become what the provider takes: a public URL, or checked bytes? */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { Problem } from '../problems.ts';
import { swapsSides } from './image-exif.ts';
import { BrokenPicture, type PictureFacts } from './image-facts.ts';
import { type ReadRules, readImageFile, resolveImagePath } from './image-file.ts';
import { readJpeg } from './image-jpeg.ts';
import { kindOfBytes } from './image-kind.ts';
import { MAX_SENT_BYTES, requireBytesInLimit, requireSizeInLimits, tellBytes, tellSize } from './image-limits.ts';
import { type PngFacts, readPng, requirePixelsWhole } from './image-png.ts';
import { type ShrinkLimits, shrinkPicture } from './image-shrink.ts';
import { type ImageInput, parseImageInput, showName } from './image-source.ts';

export interface ImageRules extends ReadRules {
  /** What `~` stands for. */
  readonly homeDir: string;
  readonly platform?: NodeJS.Platform;
  readonly shrink?: ShrinkLimits;
}

export interface ImageBytes {
  readonly kind: 'bytes';
  /** Exactly what is to be sent: at most 4,928,307 bytes, upright, nothing behind the picture's end. */
  readonly bytes: Buffer;
  /** Of `bytes`, as lower-case hex. */
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
  readonly format: 'jpeg' | 'png';
  /** What was changed, or may surprise: "photo.png 11.8 MB → 3.9 MB JPEG, 4096×3072". */
  readonly note?: string;
}

export type LoadedImage = { readonly kind: 'url'; readonly url: string } | ImageBytes;

interface Examined {
  readonly bytes: Buffer;
  readonly format: 'jpeg' | 'png';
  readonly facts: PictureFacts;
}

/**
 * A URL is checked and passed on, never fetched; a file or data URL is read once, examined, and, where it is too
 * large or on its side, made anew.
 * @throws Problem; the signal's reason when it is aborted
 */
export async function loadImage(
  input: string,
  name: ImageInput,
  rules: ImageRules,
  signal?: AbortSignal,
): Promise<LoadedImage> {
  const source = parseImageInput(input, name, rules.homeDir, rules.platform ?? process.platform);
  if (source.kind === 'url') return source;
  if (source.kind === 'data') return prepare(source.bytes, `the data URL in \`${name}\``, rules, signal);
  const path = await resolveImagePath(source.path, source.isRelative, name, rules);
  const bytes = await readImageFile(path, name, rules, signal);
  return prepare(bytes, showName(basename(path)), rules, signal);
}

/** The provider takes URLs or bytes, never both (reference section 2). @throws Problem invalid_input */
export function requireSameTransport(first: LoadedImage, tail: LoadedImage): void {
  if (first.kind === tail.kind) return;
  const [url, file] = first.kind === 'url' ? ['image', 'tail_image'] : ['tail_image', 'image'];
  throw new Problem('invalid_input', {
    what: `\`${url}\` is a URL and \`${file}\` is a picture of this computer; the provider takes both as URLs or both as files, and this server fetches no URL.`,
    hint: `save the picture of \`${url}\` to a file and give its path, or give both as URLs`,
  });
}

async function prepare(
  original: Buffer,
  shownName: string,
  rules: ImageRules,
  signal?: AbortSignal,
): Promise<ImageBytes> {
  requireBytesInLimit(shownName, original.length);
  const { bytes, format, facts } = await examine(original, shownName, signal);
  const notes = remarks(shownName, original, facts);
  const isUpright = facts.orientation === 1;
  if (bytes.length <= MAX_SENT_BYTES && isUpright) return finish(bytes, format, facts, notes);
  if (facts.isCmyk) throw cmykProblem(shownName, bytes.length);
  const job = { bytes, format, orientation: facts.orientation, maxBytes: MAX_SENT_BYTES };
  const made = await shrinkPicture(job, shownName, rules.shrink ?? {}, signal);
  const turned = isUpright ? '' : ', turned upright by its EXIF orientation';
  const note = `${shownName} ${tellBytes(original.length)} → ${tellBytes(made.bytes.length)} JPEG, ${tellSize(made)}${turned}`;
  const { buffer, byteOffset, byteLength } = made.bytes;
  return finish(Buffer.from(buffer, byteOffset, byteLength), 'jpeg', made, [note, ...notes]);
}

/** Type, structure and numbers, in this order, before anything is decoded. */
async function examine(original: Buffer, shownName: string, signal: AbortSignal | undefined): Promise<Examined> {
  if (original.length === 0) {
    throw new Problem('invalid_image', { what: `${shownName} is an empty file.`, hint: 'use a JPEG or PNG picture' });
  }
  const kind = kindOfBytes(original);
  if ('other' in kind) {
    const claims = /\.(jpe?g|png)$/i.test(shownName) ? ', in spite of its name' : '';
    throw new Problem('invalid_image', {
      what: `${shownName} is ${kind.other}${claims}; only JPEG and PNG pictures are taken.`,
      hint: 'open it in an image program and export it as JPEG or PNG',
    });
  }
  try {
    const facts = kind.format === 'jpeg' ? readJpeg(original) : readPng(original);
    requireSizeInLimits(shownName, sizeAsSeen(facts));
    if (kind.format === 'png') await requirePixelsWhole(facts as PngFacts, signal);
    return { bytes: original.subarray(0, facts.endOfPicture), format: kind.format, facts };
  } catch (error) {
    if (!(error instanceof BrokenPicture)) throw error;
    throw new Problem('invalid_image', {
      what: `${shownName} ${error.message}.`,
      hint: 'get the whole file again, or save it anew in an image program as JPEG or PNG',
      cause: error,
    });
  }
}

function sizeAsSeen({ width, height, orientation }: PictureFacts) {
  return swapsSides(orientation) ? { width: height, height: width } : { width, height };
}

function remarks(shownName: string, original: Buffer, facts: PictureFacts): string[] {
  const notes: string[] = [];
  const behind = original.length - facts.endOfPicture;
  if (behind > 0) notes.push(`${shownName}: ${tellBytes(behind)} behind the end of the picture are left out`);
  if (facts.isAnimated) notes.push(`${shownName} is animated: only its still picture counts`);
  if (facts.isCmyk) notes.push(`${shownName} is in print colours (CMYK), which may come out different`);
  return notes;
}

function cmykProblem(shownName: string, bytes: number): Problem {
  const reason = bytes > MAX_SENT_BYTES ? `${tellBytes(bytes)} (over 4.7 MB)` : 'stored on its side';
  return new Problem('invalid_image', {
    what: `${shownName} is a JPEG in print colours (CMYK) and ${reason}; only RGB and grey pictures can be made smaller or turned.`,
    hint: 'save it as an RGB (sRGB) JPEG',
  });
}

function finish(
  bytes: Buffer,
  format: 'jpeg' | 'png',
  { width, height }: { width: number; height: number },
  notes: readonly string[],
): ImageBytes {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'bytes', bytes, sha256, width, height, format, ...(notes.length > 0 && { note: notes.join('; ') }) };
}
