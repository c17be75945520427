/** Which process is this, and does another one still live? */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';

/** Written into every lock, claim and lease. */
export const processIdentitySchema = z.object({
  pid: z.int(),
  /** Where the pid is valid: host, boot and, in containers, the pid namespace. */
  place: z.string(),
  /** When the process started, in the system's own words; empty where it cannot be read. A pid is used again, the pair is not. */
  started: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, place: currentPlace(), started: startOf(process.pid) };
}

/**
 * Errs towards life: what cannot be told counts as alive, since a claim of the living must not be taken.
 * @returns undefined when the process ran where its pid means nothing here (another host, another container)
 */
export function isAlive(identity: ProcessIdentity): boolean | undefined {
  const place = currentPlace();
  if (identity.place !== place) {
    // The same host after a restart: nothing of the old boot lives.
    return hostOf(identity.place) === hostOf(place) ? false : undefined;
  }
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  if (/[ZX]/.test(procStat(identity.pid)[STATE] ?? '')) return false;
  const started = startOf(identity.pid);
  return started === '' || identity.started === '' || started === identity.started;
}

/** What runs elsewhere is heard of by what it writes: an entry or a submit so old there is nobody's. */
const FOREIGN_MILLISECONDS = 15 * 60_000;

/**
 * May what this process was at be taken up? A container that is made anew for each session has another name each time,
 * so of its work only the age tells.
 * @param since, now milliseconds since 1970
 */
export function isGone(identity: ProcessIdentity, since: number, now: number): boolean {
  const alive = isAlive(identity);
  return alive === undefined ? now - since > FOREIGN_MILLISECONDS : !alive;
}

function hostOf(place: string): string {
  return place.split(' boot ')[0] ?? place;
}

function currentPlace(): string {
  const bootId = readOrEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = readOrEmpty(() => readlinkSync('/proc/self/ns/pid'));
  return `${hostname()} ${namespace} boot ${bootId}`;
}

/** Positions in /proc/PID/stat after the name. A zombie (Z) is dead, though its pid still answers: in a container
 * whose first process reaps no children it stays for ever. */
const STATE = 0;
const START_TIME = 19;

/** The name in field 2 may hold spaces and parentheses (man 5 proc). */
function procStat(pid: number): string[] {
  const stat = readOrEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function startOf(pid: number): string {
  return procStat(pid)[START_TIME] ?? '';
}

function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
