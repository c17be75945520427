/** Which closed records are there, without reading ten thousand names at each call? */
import { readdir, stat } from 'node:fs/promises';
import { type Clock, systemClock } from '../clock.ts';
import { type ClosedEntry, readClosedName } from './closed-name.ts';

/** Two changes that are further apart have two times, on every file system (FAT: 2 s, HFS+: 1 s, exFAT: 10 ms). */
const COARSE_MILLISECONDS = 2_500;
/** Where the time has digits below 10 ms, it is the kernel's tick: 10 ms at most. */
const FINE_MILLISECONDS = 100;
const FINE_DIGITS_NANOSECONDS = 10_000_000n;

export class ClosedListing {
  /** Oldest first. */
  readonly entries: readonly ClosedEntry[];
  private ids: ReadonlyMap<string, ClosedEntry> | undefined;

  constructor(entries: readonly ClosedEntry[]) {
    this.entries = entries;
  }

  find(id: string): ClosedEntry | undefined {
    this.ids ??= new Map(this.entries.map((entry) => [entry.id, entry]));
    return this.ids.get(id);
  }
}

interface Seen {
  /** Of the folder, by its own file system's clock. */
  readonly changedAt: bigint;
  /** On our monotonic clock. */
  readonly firstSeenAt: number;
  readonly listing: ClosedListing | undefined;
}

/**
 * A folder whose time of change is still the one that a listing began with has not changed, whoever wrote to it, if that
 * time had been seen long enough before: what changed after the listing would have given it another. Both are measured
 * here, so that the clock of a network drive does not matter.
 */
export class ClosedFolder {
  private readonly path: string;
  private readonly clock: Clock;
  private readonly tellsChanges: boolean;
  private seen: Seen | undefined;
  /** A name says all there is in an entry: it is read once. */
  private known = new Map<string, ClosedEntry>();

  /** @param platform Windows does not tell changes of a folder on every one of its file systems */
  constructor(path: string, clock: Clock = systemClock, platform: NodeJS.Platform = process.platform) {
    this.path = path;
    this.clock = clock;
    this.tellsChanges = platform !== 'win32';
  }

  /** @throws what the file system threw; a folder that is not there has none */
  async list(): Promise<ClosedListing> {
    try {
      const { mtimeNs: changedAt } = await stat(this.path, { bigint: true });
      const seen = this.seen?.changedAt === changedAt ? this.seen : undefined;
      if (seen?.listing !== undefined) return seen.listing;
      const beganAt = this.clock.monotonic();
      const listing = this.read(await readdir(this.path));
      const firstSeenAt = seen?.firstSeenAt ?? beganAt;
      const enough = changedAt % FINE_DIGITS_NANOSECONDS === 0n ? COARSE_MILLISECONDS : FINE_MILLISECONDS;
      const isCertain = this.tellsChanges && beganAt - firstSeenAt >= enough;
      this.seen = { changedAt, firstSeenAt, listing: isCertain ? listing : undefined };
      return listing;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new ClosedListing([]);
    }
  }

  private read(names: string[]): ClosedListing {
    const entries = names.sort().flatMap((name) => this.entryOf(name) ?? []);
    // Those that are gone.
    if (this.known.size > entries.length) this.known = new Map(entries.map((entry) => [entry.fileName, entry]));
    return new ClosedListing(entries);
  }

  private entryOf(name: string): ClosedEntry | undefined {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const entry = readClosedName(name);
    if (entry !== undefined) this.known.set(name, entry);
    return entry;
  }
}
