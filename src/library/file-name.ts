/** Names finished videos so that people can read the name and every file system takes it. */

/** The date, the id and `.mp4` come to 26 bytes more: under the 143 that eCryptfs, the tightest in use, allows. */
const MAX_PROMPT_BYTES = 100;
const ELLIPSIS = '…';

/** Every character class that a file system, a shell listing or a reader trips over; ZWJ stays, emoji need it. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}<>:"/\\|?*]/gu;
const INVISIBLE = /(?!\u200d)\p{Cf}/gu;

/** Cuts between graphemes, so that no emoji or accent falls apart; within one only where it alone is too long. */
function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const limit = maxBytes - Buffer.byteLength(ELLIPSIS);
  const graphemes = Array.from(new Intl.Segmenter().segment(text), (part) => part.segment);
  const pieces = Buffer.byteLength(graphemes[0] ?? '') > limit ? Array.from(text) : graphemes;
  let kept = '';
  let bytes = 0;
  for (const piece of pieces) {
    bytes += Buffer.byteLength(piece);
    if (bytes > limit) break;
    kept += piece;
  }
  const lastSpace = kept.lastIndexOf(' ');
  const atWord = lastSpace > kept.length * 0.7 ? kept.slice(0, lastSpace) : kept;
  return `${atWord.replace(/[. ]+$/, '')}${ELLIPSIS}`;
}

function readablePart(prompt: string): string {
  const plain = prompt.normalize('NFC').replace(INVISIBLE, '').replace(UNSAFE, ' ').replace(/\s+/gu, ' ');
  const trimmed = plain.trim().replace(/[. ]+$/, '');
  return trimmed === '' ? 'video' : cutToBytes(trimmed, MAX_PROMPT_BYTES);
}

function localDay(at: Date): string {
  const twoDigits = (number: number) => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
}

/**
 * `2026-11-22 A golden retriever running… 7q2m5.mp4`: the local day, the prompt, and the end of the task's id.
 * Begins with a digit, so it is never hidden, an option or a device; fewer than 143 bytes.
 */
export function fileNameFor(prompt: string, taskId: string, at: Date): string {
  const letters = taskId.replace(/[^A-Za-z0-9]/g, '');
  const short = letters.length <= 8 ? letters : letters.slice(-6);
  return `${[localDay(at), readablePart(prompt), short].filter((part) => part !== '').join(' ')}.mp4`;
}

const OTHER_FORMATS = /(?<=.)\.(mov|m4v|avi|mkv|webm|wmv|flv|mpe?g|m2ts|mts|3gp|ogv)$/i;

/** @returns the ending of another video format than MP4, ".mov"; undefined where the name has none */
export function otherExtension(name: string): string | undefined {
  return OTHER_FORMATS.exec(name.trim().replace(/["'`”’]+$/, ''))?.[0];
}

/** With the ending of an MP4, which replaces that of another video format. */
export function withMp4Extension(name: string): string {
  return /\.mp4$/i.test(name) ? name : `${name.replace(OTHER_FORMATS, '')}.mp4`;
}

/** `clip.mp4`, 2 → `clip (2).mp4`. */
export function numberedName(fileName: string, number: number): string {
  if (number === 1) return fileName;
  const dot = fileName.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [fileName.slice(0, dot), fileName.slice(dot)] : [fileName, ''];
  return `${stem} (${number})${extension}`;
}
