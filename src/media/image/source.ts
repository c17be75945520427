/** Reads the text in `image`: a URL, bytes inside the text, or a file on this computer. */
import { posix, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../problems.ts';
import { isWindowsDevice } from '../../system/files.ts';
import { pathReadings, plainReading, type Reading } from '../../system/written-path.ts';
import { isPrivateHost } from '../private-address.ts';
import { formatBytes, MAX_IMAGE_BYTES } from './facts.ts';
import { LOCAL_FORMATS } from './formats.ts';
import { webPageNote } from './web-page.ts';

export type ImageInput = 'image' | 'tail_image' | '--image' | '--tail-image';
/** Everything that may name a file of this computer. */
export type FileInput = ImageInput | 'audio' | '--audio' | 'videos' | 'path';

/** As the caller writes it: an input of a tool, or an option of the command line. */
export function shownInput(name: FileInput): string {
  return name.startsWith('--') ? name : `\`${name}\``;
}

/** `notes` say what was read differently from what was written. */
export type ImageSource =
  | { readonly kind: 'url'; readonly url: string; readonly notes: readonly string[] }
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'path'; readonly paths: readonly [WrittenPath, ...WrittenPath[]] };

/** One reading of a path: the last one is used where none of them names a file. */
export interface WrittenPath extends Reading {
  readonly isRelative: boolean;
}

/** No limit of the provider's is known; file hosts sign links of up to about 3,000 characters, servers stop at 8,192. */
const MAX_URL_CHARACTERS = 8192;
const MAX_PATH_CHARACTERS = 4096;
/** How base64 of a PNG, JPEG, WebP, GIF, and HEIC or AVIF begins. */
const PICTURE_BASE64 = /^(iVBORw0KGgo|[/_]9j[/_]|UklGR|R0lGOD|AAAA[\w+/-]GZ0eXB)[\w+/\s-]{200,}={0,2}\s*$/;

/** What a caller can give instead of a URL that cannot be used. */
function otherPicture(isRemote: boolean): string {
  return isRemote ? 'give the picture as a data URL' : 'save the picture to a file and give its path';
}

const SAVE_FROM_CHAT =
  'save the picture to a file on this computer and give its full path, or give a public http(s) URL of it';

/**
 * Reads the text only; touches no file and no network.
 * @param homeDir what `~` stands for
 * @param isRemote the caller is on another computer: its paths are refused
 * @throws Problem
 */
export function parseImageInput(
  input: string,
  name: ImageInput,
  homeDir: string,
  platform: NodeJS.Platform,
  isRemote = false,
): ImageSource {
  const plain = plainReading(input);
  const { text, changes } = plain;
  if (text === '') throw invalid(`${shownInput(name)} is empty.`, 'give an image, or leave it out');
  if (/^https?:/i.test(text)) {
    const url = requirePublicUrl(text, name, otherPicture(isRemote));
    const readAs =
      changes.length > 0 ? [`${shownInput(name)} was read as ${showName(url)}: ${changes.join('; ')}`] : [];
    return { kind: 'url', url, notes: [...readAs, ...webPageNote(new URL(url), shownInput(name))] };
  }
  const other = isRemote ? 'give an http(s) URL of the picture' : otherPicture(false);
  if (/^data:/i.test(text)) return { kind: 'data', bytes: bytesOfDataUrl(text, name, other) };
  if (PICTURE_BASE64.test(text))
    return { kind: 'data', bytes: bytesOfBase64(text, `The base64 in ${shownInput(name)}`, other) };
  if (taskNamedIn(text) !== undefined) {
    throw invalid(
      `${shownInput(name)} cannot be the last frame of a task.`,
      'give a picture: only the first frame can be the last frame of a task',
    );
  }
  if (!isRemote && /^(sandbox|attachment|cid|blob):/i.test(text)) throw attachedToChat(text, name);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1];
  if (scheme && !/^file$/i.test(scheme)) {
    throw invalid(
      `${shownInput(name)} is a ${scheme}:// address, which the provider cannot open.`,
      `give an http(s) URL${isRemote ? '' : ', a local path'} or a data URL`,
    );
  }
  return { kind: 'path', paths: localPaths(input, name, homeDir, platform, isRemote) };
}

/** Every path that the text can mean, the plain reading last. @param isRemote as for `parseImageInput` @throws Problem */
export function localPaths(
  input: string,
  name: FileInput,
  homeDir: string,
  platform: NodeJS.Platform,
  isRemote = false,
): readonly [WrittenPath, ...WrittenPath[]] {
  const plain = plainReading(input);
  if (plain.text === '') throw invalid(`${shownInput(name)} is empty.`, 'give a path, or leave it out');
  if (isRemote) throw pathFromElsewhere(name);
  const used = writtenPath(plain, name, homeDir, platform);
  const others = pathReadings(input).flatMap((reading) => {
    try {
      return [writtenPath(reading, name, homeDir, platform)];
    } catch {
      return [];
    }
  });
  const [first = used, ...rest] = [...others.filter((path) => path.text !== used.text), used];
  return [first, ...rest];
}

/** @returns the id in `task:ID`, `jimeng://tasks/ID` or an id of ours alone, in backticks or quotes too; else undefined */
export function taskNamedIn(input: string): string | undefined {
  const { text } = plainReading(input);
  const named = /^task:(.*)$/is.exec(text)?.[1] ?? /^jimeng:\/\/tasks?\/(.*)$/is.exec(text)?.[1];
  if (named !== undefined) return plainReading(named.replace(/^\/\//, '')).text;
  return /^jv-[\w-]{6,64}$/.test(text) ? text : undefined;
}

function writtenPath(reading: Reading, name: FileInput, homeDir: string, platform: NodeJS.Platform): WrittenPath {
  const { isAbsolute } = platform === 'win32' ? win32 : posix;
  const isUrl = /^file:/i.test(reading.text);
  const expanded = isUrl ? pathOfFileUrl(reading.text, name, platform) : expandHome(reading.text, name, homeDir);
  const path = requireLocal(expanded, name, platform);
  return { text: path, changes: reading.changes, isRelative: !isAbsolute(path) };
}

/** Folders of clients' own sandboxes: a path there is never one of this computer. */
export function isInClientSandbox(path: string): boolean {
  return /^\/(mnt\/(user-data|data|files?|uploads?|knowledge)|home\/(claude|oai|sandbox)|workspace\/uploads)(\/|$)/.test(
    path,
  );
}

export function attachedToChat(path: string, name: FileInput): Problem {
  return new Problem('image_not_found', {
    what: `${shownInput(name)} (${showName(path)}) is attached to the chat, in the client's own sandbox, not on this computer, so this server cannot read it.`,
    hint: SAVE_FROM_CHAT,
  });
}

function pathFromElsewhere(name: FileInput): Problem {
  return new Problem('image_not_allowed', {
    what: `${shownInput(name)} is a path, and this server reads no files by their paths.`,
    hint: /image/.test(name) ? 'give an http(s) URL, a data URL or task:ID' : 'leave it out',
  });
}

/** On one line and short, however long and strange it is: a file name is data. */
export function showName(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return line.length > 120 ? `${line.slice(0, 50)}…${line.slice(-60)}` : line;
}

function invalid(what: string, hint: string): Problem {
  return new Problem('invalid_input', { what, hint });
}

/** Passed on as given: a signed link breaks when it is re-encoded. */
function requirePublicUrl(text: string, name: FileInput, other: string): string {
  const url = /^https?:\/\/[^/]/i.test(text) && !/[\s\\\p{Cc}]/u.test(text) ? URL.parse(text) : undefined;
  if (!url) {
    throw invalid(
      `${shownInput(name)} is not a valid URL: ${showName(text)}`,
      'give the whole http(s) URL, with spaces written as %20',
    );
  }
  if (text.length > MAX_URL_CHARACTERS) {
    throw invalid(
      `The URL in ${shownInput(name)} has ${text.length} characters; the limit is ${MAX_URL_CHARACTERS}.`,
      `give a shorter URL, or ${other}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      `The URL in ${shownInput(name)} holds a user name or password, which would be sent to the provider.`,
      `give a URL that needs no login (a signed link, for example), or ${other}`,
    );
  }
  if (isPrivateHost(url.hostname)) {
    throw invalid(
      `The URL in ${shownInput(name)} is on ${showName(url.hostname)}, on this computer or in a private network: the provider cannot reach it.`,
      `give a URL on the public Internet, or ${other}`,
    );
  }
  return text;
}

/** The type in it is ignored: the bytes decide. */
function bytesOfDataUrl(text: string, name: FileInput, other: string): Buffer {
  const comma = text.indexOf(',');
  const subject = `The data URL in ${shownInput(name)}`;
  if (comma === -1) throw invalid(`${subject} has no comma, so no picture in it.`, 'write data:image/png;base64,…');
  const written = text.slice(comma + 1);
  const content = written.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (content.trim() === '') throw invalid(`${subject} is empty.`, 'put the picture behind its comma, as base64');
  const isBase64 = /;\s*base64$/i.test(text.slice(0, comma)) || PICTURE_BASE64.test(content);
  return isBase64 ? bytesOfBase64(content, subject, other) : Buffer.from(content, 'latin1');
}

/** Of both alphabets (RFC 4648, sections 4 and 5). */
function bytesOfBase64(written: string, subject: string, other: string): Buffer {
  const base64 = written.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Math.floor((base64.length * 3) / 4);
  if (bytes > MAX_IMAGE_BYTES + 2) {
    throw invalid(`${subject} holds ${formatBytes(bytes)}; the limit is 15 MB.`, 'use a smaller picture');
  }
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.replace(/=+$/, '').length % 4 === 1) {
    const shortened = /…|\.\.\.|<|\[/.test(base64) ? ': it looks as if it was shortened' : '';
    throw invalid(`${subject} is not valid base64${shortened}.`, `give the whole base64, or ${other}`);
  }
  return Buffer.from(base64, 'base64');
}

function pathOfFileUrl(text: string, name: FileInput, platform: NodeJS.Platform): string {
  const url = /^file:\//i.test(text) ? URL.parse(text) : undefined;
  if (url && url.host !== '') throw notThisComputer(text, name);
  try {
    if (url) return fileURLToPath(url, { windows: platform === 'win32' });
  } catch {
    // Refused below, with the form that works.
  }
  throw invalid(
    `${shownInput(name)} is not a valid file URL: ${showName(text)}`,
    'write file:///folder/picture.png, or the plain path',
  );
}

function expandHome(text: string, name: FileInput, homeDir: string): string {
  if (text === '~') return homeDir;
  if (/^~[/\\]/.test(text)) return `${homeDir}${text.slice(1)}`;
  if (/^~[^/\\]*[/\\]/.test(text)) {
    throw invalid(`${shownInput(name)} names another user's home: ${showName(text)}`, 'give the full path');
  }
  return text;
}

function notThisComputer(text: string, name: FileInput): Problem {
  return new Problem('image_not_allowed', {
    what: `${shownInput(name)} is on another computer or a device (${showName(text)}); network and device paths are not read.`,
    hint: 'copy the picture to this computer and give its path there',
  });
}

/** Refuses what looks like a path but is not in this computer's file system. */
function requireLocal(path: string, name: FileInput, platform: NodeJS.Platform): string {
  const onWindows = platform === 'win32';
  if (path.includes('\0') || path.length > MAX_PATH_CHARACTERS) {
    throw invalid(
      `${shownInput(name)} is not a valid path: ${showName(path)}`,
      `give the path of a picture (${LOCAL_FORMATS})`,
    );
  }
  if (path.startsWith('\\\\') || (onWindows && /^[\\/]{2}/.test(path))) throw notThisComputer(path, name);
  if (!onWindows && /^[A-Za-z]:[\\/]/.test(path)) {
    const underWsl = `/mnt/${path.slice(0, 1).toLowerCase()}/${path.slice(3).replaceAll('\\', '/')}`;
    throw invalid(
      `${shownInput(name)} is a Windows path (${showName(path)}), but this server runs on ${platform}.`,
      `give the path that this server sees (under WSL: ${showName(underWsl)})`,
    );
  }
  // On Windows `photo.png:stream` and NUL, COM1 … open something other than a file.
  if (onWindows && (/:/.test(path.replace(/^[A-Za-z]:(?=[\\/])/, '')) || isWindowsDevice(win32.basename(path)))) {
    throw notThisComputer(path, name);
  }
  return path;
}
