/** What is this file by its first bytes, whatever its name says? */

export type ImageKind = { readonly format: 'jpeg' | 'png' } | { readonly other: string };

const MAGIC: readonly (readonly [offset: number, bytes: string, what: string])[] = [
  [0, 'GIF87a', 'a GIF picture'],
  [0, 'GIF89a', 'a GIF picture'],
  [0, 'II*\0', 'a TIFF or camera raw picture'],
  [0, 'MM\0*', 'a TIFF or camera raw picture'],
  [0, 'II+\0', 'a TIFF picture'],
  [0, '\0\0\0\x0cjP  ', 'a JPEG 2000 picture'],
  [0, '\xff\x4f\xff\x51', 'a JPEG 2000 picture'],
  [0, '\0\0\0\x0cJXL ', 'a JPEG XL picture'],
  [0, '\xff\x0a', 'a JPEG XL picture'],
  [0, '8BPS', 'a Photoshop file'],
  [0, '\0\0\x01\0', 'an icon file (ICO)'],
  [0, 'qoif', 'a QOI picture'],
  [0, 'gimp xcf', 'a GIMP file'],
  [0, '%PDF-', 'a PDF document'],
  [0, 'PK\x03\x04', 'a ZIP archive or an Office document'],
  [0, '\x1f\x8b', 'a gzip archive'],
  [0, '\x1aE\xdf\xa3', 'a WebM or Matroska video'],
  [0, 'OggS', 'an Ogg file'],
  [0, 'ID3', 'an MP3 file'],
  [0, '\x7fELF', 'a program'],
  [0, 'bplist', 'a property list'],
  [0, 'SQLite format 3', 'a database'],
  [0, 'version https://git-lfs', 'a Git LFS pointer, not the picture itself (git lfs pull fetches it)'],
];

/** Brands of the ISO base media family, at byte 8 after `ftyp`. */
const BRANDS: readonly (readonly [brand: RegExp, what: string])[] = [
  [/^(heic|heix|heim|heis|hevc|hevx)/, 'a HEIC picture (what iPhones take)'],
  [/^(mif1|msf1)/, 'a HEIF picture'],
  [/^(avif|avis)/, 'an AVIF picture'],
  [/^crx /, 'a camera raw picture (CR3)'],
  [/^qt {2}/, 'a QuickTime video'],
  [/^M4A/, 'an audio file'],
  [/./s, 'an MP4 video'],
];

/** @param bytes at least one byte */
export function kindOfBytes(bytes: Buffer): ImageKind {
  const head = bytes.toString('latin1', 0, 512);
  if (head.startsWith('\xff\xd8\xff')) return { format: 'jpeg' };
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return { format: 'png' };
  if (head.startsWith('\x89PNG'))
    return { other: 'a PNG that was changed as if it were text (its line ends are converted)' };
  if (head.startsWith('RIFF')) return { other: kindOfRiff(head.slice(8, 12)) };
  if (head.slice(4, 8) === 'ftyp') {
    const brand = head.slice(8, 12);
    return { other: BRANDS.find(([pattern]) => pattern.test(brand))?.[1] ?? 'an MP4 video' };
  }
  // `BM` begins many a text: the header's four reserved bytes tell a bitmap from it.
  if (head.startsWith('BM') && head.slice(6, 10) === '\0\0\0\0') return { other: 'a BMP picture' };
  const known = MAGIC.find(([offset, magic]) => head.startsWith(magic, offset));
  if (known) return { other: known[2] };
  return { other: kindOfText(bytes) ?? `of no known kind (it begins with ${bytes.toString('hex', 0, 8)})` };
}

function kindOfRiff(form: string): string {
  if (form === 'WEBP') return 'a WebP picture';
  if (form === 'WAVE') return 'a WAV sound';
  return form === 'AVI ' ? 'an AVI video' : 'a RIFF file';
}

/** A text file, if its first bytes are UTF-8 without control characters. */
function kindOfText(bytes: Buffer): string | undefined {
  const isUtf16 = /^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2));
  const text = (isUtf16 ? bytes.toString('utf16le', 2, 512) : bytes.toString('utf8', 0, 512)).replace(/^\ufeff/, '');
  if (/<svg[\s>]/i.test(text)) return 'an SVG drawing';
  if (/^\s*(<!doctype html|<html|<head|<body)/i.test(text)) return 'a web page (HTML), not the picture itself';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what makes a text
  if (!isUtf16 && /[\0-\x08\x0e-\x1f\ufffd]/.test(text.replace(/\ufffd+$/, ''))) return undefined;
  if (/^\s*<\?xml/.test(text)) return 'an XML file';
  if (/^\s*[{[]/.test(text)) return 'a JSON or text file';
  if (/^\s*data:image\//i.test(text)) return 'a text file that holds a data URL (give that text itself)';
  return 'a text file';
}
