/** Recognises a file by its first bytes, whatever its name says. */

export type DecodableFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif';
export type PictureFormat = DecodableFormat | 'heic';
/** What a local picture may be, as a sentence lists it. */
export const LOCAL_FORMATS = 'JPEG, PNG, WebP, AVIF, GIF or HEIC';
export type FileKind = { readonly format: PictureFormat } | { readonly other: string };

/** How a file begins. */
const MAGIC: readonly (readonly [bytes: string, what: string])[] = [
  ['II*\0', 'a TIFF or camera raw picture'],
  ['MM\0*', 'a TIFF or camera raw picture'],
  ['II+\0', 'a TIFF picture'],
  ['\0\0\0\x0cjP  ', 'a JPEG 2000 picture'],
  ['\xff\x4f\xff\x51', 'a JPEG 2000 picture'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL picture'],
  ['\xff\x0a', 'a JPEG XL picture'],
  ['8BPS', 'a Photoshop file'],
  ['\0\0\x01\0', 'an icon file (ICO)'],
  ['qoif', 'a QOI picture'],
  ['gimp xcf', 'a GIMP file'],
  ['%PDF-', 'a PDF document'],
  ['PK\x03\x04', 'a ZIP archive or an Office document'],
  ['\x1f\x8b', 'a gzip archive'],
  ['\x1aE\xdf\xa3', 'a WebM or Matroska video'],
  ['OggS', 'an Ogg file'],
  ['ID3', 'an MP3 file'],
  ['\x7fELF', 'a program'],
  ['bplist', 'a property list'],
  ['SQLite format 3', 'a database'],
  ['version https://git-lfs', 'a Git LFS pointer, not the picture itself (git lfs pull fetches it)'],
];

/** Major brands of the ISO base media family that are no still picture we read. */
const OTHER_BRANDS: readonly (readonly [brand: RegExp, what: string])[] = [
  [/^(hevc|hevx|msf1|avis)/, 'an animated HEIF or AVIF picture'],
  [/^mif1/, 'a HEIF picture in a coding other than HEVC and AV1'],
  [/^crx /, 'a camera raw picture (CR3)'],
  [/^qt {2}/, 'a QuickTime video'],
  [/^M4A/, 'an audio file'],
];

/** @param bytes at least one byte */
export function kindOfBytes(bytes: Buffer): FileKind {
  const head = bytes.toString('latin1', 0, 512);
  if (head.startsWith('\xff\xd8\xff')) return { format: 'jpeg' };
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return { format: 'png' };
  if (head.startsWith('\x89PNG'))
    return { other: 'a PNG that was changed as if it were text (its line ends are converted)' };
  if (/^GIF8[79]a/.test(head)) return { format: 'gif' };
  if (head.startsWith('RIFF')) return kindOfRiff(head.slice(8, 12));
  if (head.slice(4, 8) === 'ftyp') return kindOfBrands(head.slice(8, Math.max(16, bytes.readUInt32BE(0))));
  // `BM` begins many texts: a bitmap has four reserved zero bytes in its header.
  if (head.startsWith('BM') && head.slice(6, 10) === '\0\0\0\0') return { other: 'a BMP picture' };
  const known = MAGIC.find(([magic]) => head.startsWith(magic));
  if (known) return { other: known[1] };
  return { other: kindOfText(bytes) ?? `of an unknown kind (it begins with ${bytes.toString('hex', 0, 8)})` };
}

/** @param brands the major brand, four bytes of version, then the compatible brands */
function kindOfBrands(brands: string): FileKind {
  const major = brands.slice(0, 4);
  const all = [major, ...(brands.slice(8).match(/.{4}/gs) ?? [])];
  if (/^(mif1|avif)$/.test(major) && all.includes('avif')) return { format: 'avif' };
  if (/^(mif1|hei[cxms])$/.test(major) && all.some((brand) => /^hei[cxms]$/.test(brand))) return { format: 'heic' };
  return { other: OTHER_BRANDS.find(([pattern]) => pattern.test(major))?.[1] ?? 'an MP4 video' };
}

function kindOfRiff(form: string): FileKind {
  if (form === 'WEBP') return { format: 'webp' };
  if (form === 'WAVE') return { other: 'a WAV sound' };
  return { other: form === 'AVI ' ? 'an AVI video' : 'a RIFF file' };
}

/** A text file, if its first bytes are UTF-8 without control characters. */
function kindOfText(bytes: Buffer): string | undefined {
  const isUtf16 = /^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2));
  const text = (isUtf16 ? bytes.toString('utf16le', 2, 512) : bytes.toString('utf8', 0, 512)).replace(/^\ufeff/, '');
  if (/<svg[\s>]/i.test(text)) return 'an SVG drawing';
  if (/^\s*(<!doctype html|<html|<head|<body)/i.test(text)) return 'a web page (HTML), not the picture itself';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a text has none of them
  if (!isUtf16 && /[\0-\x08\x0e-\x1f\ufffd]/.test(text.replace(/\ufffd+$/, ''))) return undefined;
  if (/^\s*<\?xml/.test(text)) return 'an XML file';
  if (/^\s*[{[]/.test(text)) return 'a JSON or text file';
  if (/^\s*data:image\//i.test(text)) return 'a text file that holds a data URL (give that text itself)';
  return 'a text file';
}
