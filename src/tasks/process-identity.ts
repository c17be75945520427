/** Which process is this, and does another one still live? */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';
import { systemClock } from '../clock.ts';

/** Written into every lock, claim and lease. */
export const processIdentitySchema = z.object({
  pid: z.int(),
  /** Where the pid is valid: host, pid namespace (containers), boot. */
  place: z.string(),
  /** When the process started, in the system's own words. A pid is used again, the pair is not. */
  started: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Read once: a laptop's name follows the network that it is in. */
let own: ProcessIdentity | undefined;

export function ownIdentity(): ProcessIdentity {
  // Where the system does not tell (macOS, Windows), a time of our own still tells us from who had our pid before.
  if (own === undefined) {
    const here = identityOf(process.pid);
    own = { ...here, started: here.started || `at ${systemClock.now()}` };
  }
  return own;
}

/** Of a process that runs here now. `started` is empty where the system does not tell. */
export function identityOf(pid: number): ProcessIdentity {
  return { pid, place: currentPlace(), started: startOf(pid) };
}

export function isOwn(identity: ProcessIdentity): boolean {
  const { pid, place, started } = ownIdentity();
  return identity.pid === pid && identity.place === place && identity.started === started;
}

/**
 * Errs towards life: a pid that lives where the system does not tell since when counts as the same process, since a claim
 * of the living must not be taken. See `isProven`.
 * @returns undefined when the process ran where its pid means nothing here (another host, another container)
 */
export function isAlive(identity: ProcessIdentity): boolean | undefined {
  if (isOwn(identity)) return true;
  const { pid, place } = ownIdentity();
  if (!isSamePlace(identity.place, place)) {
    // The same host after a restart: nothing of the old boot lives.
    return hostOf(identity.place) === hostOf(place) ? false : undefined;
  }
  if (identity.pid === pid) return false;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  if (/[ZX]/.test(procStat(identity.pid)[STATE] ?? '')) return false;
  const started = startOf(identity.pid);
  return started === '' || identity.started === '' || started === identity.started;
}

/** Is it known, and not only likely, that what lives there is the same process? */
export function isProven(identity: ProcessIdentity): boolean {
  return isOwn(identity) || (identity.started !== '' && startOf(identity.pid) === identity.started);
}

/** What runs elsewhere is heard of by what it writes: an entry or a submit so old there is nobody's. */
const FOREIGN_MILLISECONDS = 15 * 60_000;
/** Nothing is queued or sent for so long: its pid is another program's by now. */
const UNPROVEN_MILLISECONDS = 12 * 3600_000;

/**
 * May what this process was at be taken up? A container that is made anew for each session has another name each time,
 * so of its work only the age tells.
 * @param since, now milliseconds since 1970
 */
export function isGone(identity: ProcessIdentity, since: number, now: number): boolean {
  const alive = isAlive(identity);
  if (alive === true) return !isProven(identity) && now - since > UNPROVEN_MILLISECONDS;
  return alive === false || now - since > FOREIGN_MILLISECONDS;
}

/** The host and the pid namespace. */
function hostOf(place: string): string {
  return place.split(' boot ')[0] ?? place;
}

/** Where boot and namespace are known, they say it all: the host may have got another name since. */
export function isSamePlace(one: string, other: string): boolean {
  const withoutName = (place: string) => place.slice(place.indexOf(' '));
  return one === other || (/ \S+ boot \S+$/.test(one) && withoutName(one) === withoutName(other));
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
