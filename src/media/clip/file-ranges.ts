/** Opens files that may be anything, and reads and writes ranges of them whole. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** A file that cannot be used, with a reason that continues "is not a playable MP4: …". */
export class Refusal extends Error {}

/** @throws Error when the file ends before */
export async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`the file ends before byte ${end}`);
    filled += bytesRead;
  }
  return bytes;
}

/** Also where the system writes fewer bytes than it was given. */
export async function writeRange(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** Opens a regular file. @throws Refusal; what the system throws */
export async function openRegular(path: string): Promise<{ file: FileHandle; bytes: number }> {
  // A pipe would block at open: O_NONBLOCK (0 on Windows) lets it open, and the check below refuses it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new Refusal('it is not a file');
    // The library fails with an assertion where there is no room for a header.
    if (facts.size < 16) throw new Refusal(`it has ${facts.size} bytes`);
    return { file, bytes: facts.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}
