/** What does the text in `image` name: a URL, bytes inside the text, or a file on this computer? */
import { posix, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../problems.ts';
import { isWindowsDevice } from '../system/files.ts';
import { MAX_IMAGE_BYTES, tellBytes } from './image-limits.ts';
import { isPrivateHost } from './private-address.ts';

export type ImageInput = 'image' | 'tail_image';

export type ImageSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'path'; readonly path: string; readonly isRelative: boolean };

/** No limit of the provider's is known; file hosts sign links of up to about 3,000 characters, servers stop at 8,192. */
const MAX_URL_CHARACTERS = 8192;
const MAX_PATH_CHARACTERS = 4096;
/** How base64 of a PNG and of a JPEG begins. */
const BARE_BASE64 = /^(iVBORw0KGgo|\/9j\/)[A-Za-z0-9+/\s]{200,}/;

const CHAT_MEND =
  'save the picture to a file on this computer and give its full path, or give a public http(s) URL of it';

/**
 * Reads the text only; touches no file and no network.
 * @param homeDir what `~` stands for
 * @throws Problem
 */
export function parseImageInput(
  input: string,
  name: ImageInput,
  homeDir: string,
  platform: NodeJS.Platform,
): ImageSource {
  const text = input.trim();
  if (text === '') throw invalid(`\`${name}\` is empty.`, 'give an image, or leave it out');
  if (/^https?:/i.test(text)) return { kind: 'url', url: requirePublicUrl(text, name) };
  if (/^data:/i.test(text)) return { kind: 'data', bytes: bytesOfDataUrl(text, name) };
  if (BARE_BASE64.test(text)) {
    throw invalid(
      `\`${name}\` is bare base64.`,
      'put data:image/png;base64, or data:image/jpeg;base64, in front of it',
    );
  }
  if (/^task:/i.test(text)) {
    throw invalid(
      `\`${name}\` cannot be the last frame of a task.`,
      'task:ID is taken by `image` of generate_video and submit_video_task only',
    );
  }
  if (/^(sandbox|attachment|cid|blob):/i.test(text)) throw attachedToChat(text, name);
  if (/^file:/i.test(text))
    return { kind: 'path', path: requireLocal(pathOfFileUrl(text, name, platform), name, platform), isRelative: false };
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1];
  if (scheme) {
    throw invalid(
      `\`${name}\` is a ${scheme}:// address, which the provider cannot open.`,
      'give an http(s) URL, a local path or a data URL',
    );
  }
  const path = requireLocal(expandHome(text, name, homeDir), name, platform);
  const { isAbsolute } = platform === 'win32' ? win32 : posix;
  return { kind: 'path', path, isRelative: !isAbsolute(path) };
}

/** Folders of clients' own sandboxes: a path there was never one of this computer. */
export function isInClientSandbox(path: string): boolean {
  return /^\/(mnt\/(user-data|data|files?|uploads?|knowledge)|home\/(claude|oai|sandbox)|workspace\/uploads)(\/|$)/.test(
    path,
  );
}

export function attachedToChat(path: string, name: ImageInput): Problem {
  return new Problem('image_not_found', {
    what: `\`${name}\` (${showName(path)}) is attached to the chat, in the client's own sandbox, not on this computer, so this server cannot read it.`,
    hint: CHAT_MEND,
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

/** Passed on as given: a signed link breaks when it is written anew. */
function requirePublicUrl(text: string, name: ImageInput): string {
  const url = /^https?:\/\/[^/]/i.test(text) && !/[\s\\\p{Cc}]/u.test(text) ? parseUrl(text) : undefined;
  if (!url) {
    throw invalid(
      `\`${name}\` is no valid URL: ${showName(text)}`,
      'give the whole http(s) URL, with spaces written as %20',
    );
  }
  if (text.length > MAX_URL_CHARACTERS) {
    throw invalid(
      `The URL in \`${name}\` has ${text.length} characters; at most ${MAX_URL_CHARACTERS} are taken.`,
      'give a shorter URL, or save the picture to a file and give its path',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      `The URL in \`${name}\` holds a user name or password, which would be sent to the provider.`,
      'give a URL that needs no login (a signed link, for example), or save the picture to a file and give its path',
    );
  }
  if (isPrivateHost(url.hostname)) {
    throw invalid(
      `The URL in \`${name}\` is on ${showName(url.hostname)}, in this computer or a private network: the provider could not reach it.`,
      'give a URL on the public Internet, or save the picture to a file and give its path',
    );
  }
  return text;
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** The type that it names is not believed: the bytes tell. */
function bytesOfDataUrl(text: string, name: ImageInput): Buffer {
  const comma = text.indexOf(',');
  if (comma === -1) {
    throw invalid(`The data URL in \`${name}\` has no comma, so no picture in it.`, 'write data:image/png;base64,…');
  }
  if (!/;\s*base64$/i.test(text.slice(0, comma))) {
    throw invalid(
      `The data URL in \`${name}\` is not base64.`,
      'write data:image/png;base64,… (percent-encoding is not taken)',
    );
  }
  const base64 = text.slice(comma + 1).replace(/\s+/g, '');
  const bytes = Math.floor((base64.length * 3) / 4);
  if (bytes > MAX_IMAGE_BYTES + 2) {
    throw invalid(
      `The data URL in \`${name}\` holds ${tellBytes(bytes)}; at most 15 MB are taken.`,
      'use a smaller picture',
    );
  }
  if (base64 === '')
    throw invalid(`The data URL in \`${name}\` is empty.`, 'put the picture behind its comma, as base64');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.replace(/=+$/, '').length % 4 === 1) {
    const shortened = /…|\.\.\.|<|\[/.test(base64) ? ': it looks as if it was shortened' : '';
    throw invalid(
      `The data URL in \`${name}\` is not valid base64${shortened}.`,
      'give the whole base64, or save the picture to a file and give its path',
    );
  }
  return Buffer.from(base64, 'base64');
}

function pathOfFileUrl(text: string, name: ImageInput, platform: NodeJS.Platform): string {
  const url = /^file:\//i.test(text) ? parseUrl(text) : undefined;
  if (url && url.host !== '') throw notThisComputer(text, name);
  try {
    if (url) return fileURLToPath(url, { windows: platform === 'win32' });
  } catch {
    // Told below, with the form that works.
  }
  throw invalid(
    `\`${name}\` is no valid file URL: ${showName(text)}`,
    'write file:///folder/picture.png, or the plain path',
  );
}

function expandHome(text: string, name: ImageInput, homeDir: string): string {
  if (text === '~') return homeDir;
  if (/^~[/\\]/.test(text)) return `${homeDir}${text.slice(1)}`;
  if (/^~[^/\\]*[/\\]/.test(text)) {
    throw invalid(`\`${name}\` names another user's home: ${showName(text)}`, 'give the full path');
  }
  return text;
}

function notThisComputer(text: string, name: ImageInput): Problem {
  return new Problem('image_not_allowed', {
    what: `\`${name}\` is on another computer or a device (${showName(text)}); network and device paths are not read.`,
    hint: 'copy the picture to this computer and give its path there',
  });
}

/** Refuses what looks like a path but is none of this computer's file system. */
function requireLocal(path: string, name: ImageInput, platform: NodeJS.Platform): string {
  const onWindows = platform === 'win32';
  if (path.includes('\0') || path.length > MAX_PATH_CHARACTERS) {
    throw invalid(`\`${name}\` is no valid path: ${showName(path)}`, 'give the path of a JPEG or PNG file');
  }
  if (path.startsWith('\\\\') || (onWindows && /^[\\/]{2}/.test(path))) throw notThisComputer(path, name);
  if (!onWindows && /^[A-Za-z]:[\\/]/.test(path)) {
    const underWsl = `/mnt/${path.slice(0, 1).toLowerCase()}/${path.slice(3).replaceAll('\\', '/')}`;
    throw invalid(
      `\`${name}\` is a Windows path (${showName(path)}), but this server runs on ${platform}.`,
      `give the path that this server sees (under WSL: ${showName(underWsl)})`,
    );
  }
  // `photo.png:stream` and NUL, COM1 … open something else than a file on Windows.
  if (onWindows && (/:/.test(path.replace(/^[A-Za-z]:(?=[\\/])/, '')) || isWindowsDevice(win32.basename(path)))) {
    throw notThisComputer(path, name);
  }
  return path;
}
