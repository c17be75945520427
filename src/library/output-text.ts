/** Reads the text of `output` as people and models write paths, and refuses what is not certainly a local path. */
import path, { type PlatformPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../problems.ts';
import { plainReading } from '../system/written-path.ts';

export function refuse(what: string, hint?: string): Problem {
  return new Problem('output_not_allowed', { what, hint });
}

const NETWORK_PATH = /^(\\\\|\/\/)/;
/** `sandbox:/mnt/…` is what chat programs call their own files. A single letter is a Windows drive. */
const SCHEME = /^([a-z][a-z0-9+.-]+:[\\/]|(sandbox|computer|attachment|data|blob|mailto|task|s3):)/i;
/** A shell would have put a value there: `$HOME`, `${X}`, `%USERPROFILE%`. */
const VARIABLE = /(^|[\\/])\$[A-Za-z_]|\$\{|(^|[\\/])%\w+%/;
/** A quote that was not taken off is a mistake in quoting; an apostrophe inside a name is none. */
const STRAY_QUOTE = /["`“”«»]|(^|[\\/])['‘]|['’][\\/]/;

function fileUrlPath(output: string, isWindows: boolean): string {
  try {
    const local = fileURLToPath(output, { windows: isWindows });
    if (!NETWORK_PATH.test(local) && !/\p{Cc}/u.test(local)) return local;
  } catch {
    // Another host, or no path in it: refused below.
  }
  throw refuse(`"${output}" is no file on this computer.`);
}

/**
 * Expands `~` and `$HOME`, takes off what stands around it (quotes, a Markdown link, an `@`), and reads `file://`.
 * @param name the input, as the caller writes it
 * @param rules of the system whose path it is
 * @returns a path of that system, absolute or relative
 * @throws Problem output_not_allowed for what no local path looks like
 */
export function readOutputText(given: string, homeDir: string, name = '`output`', rules: PlatformPath = path): string {
  const isWindows = rules.sep === '\\';
  const output = plainReading(given).text;
  if (output === '') throw refuse(`${name} is empty.`);
  if (/\p{Cc}/u.test(output)) throw refuse(`${name} has a control character in it.`, 'leave it out');
  if (NETWORK_PATH.test(output)) {
    throw refuse(`"${output}" is a network or device path; videos are saved to local folders only.`);
  }
  if (/^file:/i.test(output)) return fileUrlPath(output, isWindows);
  if (SCHEME.test(output)) throw refuse(`"${output}" is a URL; ${name} is a path on this computer.`);
  // `my\ videos` is how a shell writes a space; any other backslash is a Windows path.
  const unescaped = isWindows ? output : output.replace(/\\(?=[ ()[\]&'])/g, '');
  if (!isWindows && (/^[a-z]:[\\/]/i.test(unescaped) || unescaped.includes('\\'))) {
    throw refuse(`"${output}" is a Windows path, but this server runs on another system.`, 'separate folders with /');
  }
  if (isWindows && /[<>:"|?*]/.test(unescaped.replace(/^[a-z]:(?=[\\/])/i, ''))) {
    throw refuse(`"${output}" has a character that Windows does not take in a path: < > : " | ? *`);
  }
  const home = /^(~|\$HOME|\$\{HOME\})(?=$|[\\/])/.exec(unescaped)?.[0];
  const expanded = home === undefined ? unescaped : rules.join(homeDir, unescaped.slice(home.length));
  const own = home === undefined ? expanded : unescaped.slice(home.length);
  if (/^~[^\\/]*[\\/]/.test(own)) throw refuse(`"${output}" names another user's home.`, 'write the path out');
  if (VARIABLE.test(own)) {
    throw refuse(`"${output}" has a variable in it, which is not replaced here.`, 'write out what it stands for');
  }
  if (STRAY_QUOTE.test(own)) throw refuse(`"${output}" has a quotation mark in it.`, 'leave it out');
  return expanded;
}
