/** Turns what a user names as a picture into what the provider takes: a public URL, or checked bytes. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { Problem } from '../../problems.ts';
import { type Decoded, decodePicture, encodeJpeg, type ThreadOptions } from './convert.ts';
import {
  BrokenPicture,
  formatBytes,
  formatSize,
  MAX_SENT_BYTES,
  type PictureFacts,
  requireBytesInLimit,
  requireSizeInLimits,
  type Size,
  swapsSides,
} from './facts.ts';
import { findImageFile, type ReadRules, readImageFile } from './file.ts';
import { kindOfBytes, type PictureFormat } from './formats.ts';
import { type HeicTools, pngOfHeic } from './heic.ts';
import { type HeifFacts, readHeif } from './heif.ts';
import { readJpeg } from './jpeg.ts';
import { type PngFacts, readPng, requirePixelsWhole } from './png.ts';
import { type ImageInput, parseImageInput, showName, shownInput } from './source.ts';
import { readGif, readWebp } from './webp-gif.ts';

export interface ImageRules extends ReadRules {
  /** What `~` stands for. */
  readonly homeDir: string;
  readonly platform?: NodeJS.Platform;
  /** Without them HEIC pictures are refused. */
  readonly heic?: HeicTools;
  readonly threads?: Omit<ThreadOptions, 'signal'>;
}

export interface ImageBytes extends Size {
  readonly kind: 'bytes';
  /** Exactly what is to be sent: at most 4,928,307 bytes, upright, opaque, nothing after the picture's end. */
  readonly bytes: Buffer;
  /** Of `bytes`, as lower-case hex. */
  readonly sha256: string;
  readonly format: 'jpeg' | 'png';
  /** What was changed, or may surprise: "photo.png 11.8 MB → 3.9 MB JPEG, 4096×3072". */
  readonly notes: readonly string[];
}

export interface ImageUrl {
  readonly kind: 'url';
  readonly url: string;
  readonly notes: readonly string[];
}

export type LoadedImage = ImageUrl | ImageBytes;

interface Examined {
  readonly shownName: string;
  readonly original: Buffer;
  readonly format: PictureFormat;
  readonly facts: PictureFacts;
}

/**
 * A URL is checked and passed on, never fetched. A file or data URL is read once, examined, and re-encoded as a JPEG
 * where it is too large, on its side, partly transparent, or neither JPEG nor PNG.
 * @throws Problem; the signal's reason when it is aborted
 */
export async function loadImage(
  input: string,
  name: ImageInput,
  rules: ImageRules,
  signal?: AbortSignal,
): Promise<LoadedImage> {
  const source = parseImageInput(input, name, rules.homeDir, rules.platform ?? process.platform, rules.isRemote);
  if (source.kind === 'url') return source;
  if (source.kind === 'data') return prepare(source.bytes, `the picture in ${shownInput(name)}`, rules, signal);
  const { text: path, changes } = await findImageFile(source.paths, name, rules);
  const bytes = await readImageFile(path, name, rules, signal);
  const image = await prepare(bytes, showName(basename(path)), rules, signal);
  if (changes.length === 0) return image;
  const readAs = `${shownInput(name)} was read as ${showName(path)}: ${changes.join('; ')}`;
  return { ...image, notes: [readAs, ...image.notes] };
}

/** The provider takes URLs or bytes, never both (reference section 2). @throws Problem invalid_input */
export function requireSameTransport(
  first: LoadedImage,
  tail: LoadedImage,
  names: readonly [first: ImageInput, tail: ImageInput] = ['image', 'tail_image'],
  isRemote = false,
): void {
  if (first.kind === tail.kind) return;
  const [one, other] = names.map(shownInput);
  const [url, file] = first.kind === 'url' ? [one, other] : [other, one];
  if (isRemote) {
    throw new Problem('invalid_input', {
      what: `${url} is a URL and ${file} is not; the provider takes both as URLs or both as pictures, and this server fetches no URL.`,
      hint: 'give both as URLs, or both as data URLs',
    });
  }
  throw new Problem('invalid_input', {
    what: `${url} is a URL and ${file} is a picture of this computer; the provider takes both as URLs or both as files, and this server fetches no URL.`,
    hint: `save the picture of ${url} to a file and give its path, or give both as URLs`,
  });
}

/** Ratios closer than this look the same: one pixel of 100. */
const SAME_RATIO = 0.01;

/** A note where the last frame does not have the first one's shape (reference section 2); none for URLs. */
export function shapeNotes(first: LoadedImage, tail: LoadedImage): string[] {
  if (first.kind === 'url' || tail.kind === 'url') return [];
  const ratio = (first.width / first.height) * (tail.height / tail.width);
  if (Math.abs(Math.log(ratio)) <= SAME_RATIO) return [];
  return [
    `the first frame (${formatSize(first)}) and the last frame (${formatSize(tail)}) differ in shape: the video takes the first one's, and the last one may be cropped or stretched`,
  ];
}

async function prepare(
  original: Buffer,
  shownName: string,
  rules: ImageRules,
  signal: AbortSignal | undefined,
): Promise<ImageBytes> {
  requireBytesInLimit(shownName, original.length);
  const examined = await examine(original, shownName, signal);
  const { format, facts } = examined;
  const { bytes, orientation } = facts;
  const isSendable = (format === 'jpeg' || format === 'png') && bytes.length <= MAX_SENT_BYTES && orientation === 1;
  const remarks = facts.remarks.map((remark) => `${shownName}: ${remark}`);
  if (facts.isCmyk) {
    if (!isSendable || facts.isRepaired) throw cmykProblem(shownName, facts);
    const colours = `${shownName} is in print colours (CMYK), whose colours may change`;
    return finish(bytes, 'jpeg', facts, [...remarks, colours]);
  }
  if (isSendable && !facts.hasAlpha && !facts.isRepaired) return finish(bytes, format, facts, remarks);
  const decoded = await decode(examined, rules, signal);
  if (isSendable && !decoded.wasTransparent) return finish(bytes, format, facts, remarks);
  const options = { ...rules.threads, signal, profile: decoded.profile };
  const made = await encodeJpeg(decoded, MAX_SENT_BYTES, shownName, options);
  const { buffer, byteOffset, byteLength } = made.bytes;
  const jpeg = Buffer.from(buffer, byteOffset, byteLength);
  return finish(jpeg, 'jpeg', made, [conversionNote(examined, decoded, made), ...remarks]);
}

/** Type, structure and numbers, in this order, before anything is decoded. */
async function examine(original: Buffer, shownName: string, signal: AbortSignal | undefined): Promise<Examined> {
  if (original.length === 0) {
    throw new Problem('invalid_image', { what: `${shownName} is an empty file.`, hint: 'use a JPEG or PNG picture' });
  }
  const kind = kindOfBytes(original);
  if ('other' in kind) throw wrongKind(shownName, kind.other);
  try {
    const facts = READERS[kind.format](original);
    requireSizeInLimits(shownName, sizeAsSeen(facts));
    if (kind.format === 'png') await requirePixelsWhole(facts as PngFacts, signal);
    return { shownName, original, format: kind.format, facts };
  } catch (error) {
    throw error instanceof BrokenPicture ? brokenProblem(shownName, error) : error;
  }
}

const READERS: Readonly<Record<PictureFormat, (bytes: Buffer) => PictureFacts>> = {
  jpeg: readJpeg,
  png: readPng,
  webp: readWebp,
  gif: readGif,
  avif: readHeif,
  heic: readHeif,
};

async function decode(
  { shownName, format, facts }: Examined,
  rules: ImageRules,
  signal: AbortSignal | undefined,
): Promise<Decoded> {
  const { orientation, profile } = facts;
  const isHeic = format === 'heic';
  const bytes = isHeic
    ? await pngOfHeic((facts as HeifFacts).hevc, shownName, rules.heic, signal)
    : format === 'png'
      ? Buffer.concat((facts as PngFacts).pixelChunks)
      : facts.bytes;
  const picture = { bytes, format: isHeic ? 'png' : format, orientation, profile } as const;
  const decoded = await decodePicture(picture, shownName, { ...rules.threads, signal });
  if (decoded.isCutOff) throw brokenProblem(shownName, new BrokenPicture('is cut off: the end of the JPEG is missing'));
  return decoded;
}

function conversionNote(
  { shownName, original, format, facts }: Examined,
  decoded: Decoded,
  made: Size & { bytes: Uint8Array },
) {
  const kind = format === 'jpeg' || format === 'png' ? '' : ` ${format === 'webp' ? 'WebP' : format.toUpperCase()}`;
  const changes = [
    ...(facts.orientation === 1 ? [] : ['turned upright']),
    ...(decoded.wasTransparent ? ['transparent parts made white'] : []),
    ...(decoded.isConverted ? ['colours converted to sRGB'] : []),
  ];
  const result = `${shownName} ${formatBytes(original.length)}${kind} → ${formatBytes(made.bytes.length)} JPEG, ${formatSize(made)}`;
  return [result, ...changes].join(', ');
}

function sizeAsSeen({ width, height, orientation }: PictureFacts): Size {
  return swapsSides(orientation) ? { width: height, height: width } : { width, height };
}

function wrongKind(shownName: string, kind: string): Problem {
  const claims = /\.(jpe?g|png|webp|gif|avif|hei[cf])$/i.test(shownName) ? ', in spite of its name' : '';
  const isPicture = /picture|PNG|drawing|document|Photoshop|GIMP|icon/.test(kind);
  return new Problem('invalid_image', {
    what: `${shownName} is ${kind}${claims}; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.`,
    hint: isPicture ? 'open it in an image program and export it as JPEG or PNG' : 'give the path of a picture',
  });
}

function brokenProblem(shownName: string, cause: BrokenPicture): Problem {
  return new Problem('invalid_image', {
    what: `${shownName} ${cause.message}.`,
    hint: 'get the whole file again, or save it again in an image program as JPEG or PNG',
    cause,
  });
}

function cmykProblem(shownName: string, { bytes, isRepaired }: PictureFacts): Problem {
  const size = bytes.length > MAX_SENT_BYTES ? `${formatBytes(bytes.length)} (over 4.7 MB)` : 'stored on its side';
  return new Problem('invalid_image', {
    what: `${shownName} is a JPEG in print colours (CMYK) and ${isRepaired ? 'damaged' : size}; only RGB and grey pictures can be made smaller, turned or repaired.`,
    hint: 'save it as an RGB (sRGB) JPEG',
  });
}

function finish(bytes: Buffer, format: PictureFormat, { width, height }: Size, notes: readonly string[]): ImageBytes {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'bytes', bytes, sha256, width, height, format: format === 'png' ? 'png' : 'jpeg', notes };
}
