/** Was a sending begun? A file says so, created exclusively just before, and never stolen. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createExclusively, writeDurably } from './durable-file.ts';

/** Nothing of this sending has left, and nothing will. */
const WITHDRAWN = 'withdrawn';

/** @param folder the journal's; @param attempt counted from 1: each sending has a claim of its own */
export function claimPath(folder: string, id: string, attempt: number): string {
  return join(folder, 'claims', `${id}.${attempt}`);
}

/** Of a sending that ended before a byte of it left this machine: should this process die now, nothing is in doubt. */
export async function voidClaim(path: string): Promise<void> {
  await writeDurably(path, WITHDRAWN);
}

/**
 * Takes the claim of a sending that its process left unclaimed: should that process only have slept, it finds the
 * claim taken. @returns false when somebody had claimed it, so that it may have been sent
 */
export async function withdrawClaim(path: string): Promise<boolean> {
  return (await createExclusively(path, WITHDRAWN)) || (await readFile(path, 'utf8')) === WITHDRAWN;
}
