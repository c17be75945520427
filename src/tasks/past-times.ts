/** How long did this account's videos take, across processes? A few lines a mode on disk; lost ones do no harm. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { makePrivateFolder, writeDurably } from './durable-file.ts';
import { LONGEST_DELAY_SECONDS, learnedSchedule, type Schedule } from './schedule.ts';
import { MOST_TIMES, type TimeSpan, type UsualTime, usualTimeOf } from './usual-time.ts';

/** What was learned makes this of it. */
interface Learned {
  /** Oldest first. */
  spans: TimeSpan[];
  /** Lines in the file, as far as is known. */
  lines: number;
  /** Made of so many. */
  madeOf: number;
  usual: UsualTime | undefined;
  schedule: Schedule | undefined;
}

/** The file is cut to MOST_TIMES lines when it is so much longer. */
const SPARE_LINES = 200;
/** A span as wide as the longest pause, its jitter and a slow answer; wider ones (a slow watch, a process away) tell nothing. */
const WIDEST_SPAN_SECONDS = LONGEST_DELAY_SECONDS + 10;
/** Made anew when a twentieth is new: a thousand tasks that finish together must not make it a thousand times. */
const NEW_SHARE = 0.05;
const LONGEST_TASK_SECONDS = 86_400;

/**
 * `times/MODE` in the journal's folder of the pair: one line a video, `FROM TO` in seconds since the provider took it,
 * between which it was finished. It need not come back when it is removed: it is learned again.
 */
export class PastTimes {
  private readonly folder: string;
  private readonly log: Log;
  /** Read once, when first asked for. What cannot be read is not known. */
  private readonly modes = new Map<string, Promise<Learned>>();
  /** One write of this process after the other. */
  private writing: Promise<void> = Promise.resolve();

  /** @param stateFolder the journal's, for the pair of service and account */
  constructor(stateFolder: string, log: Log) {
    this.folder = join(stateFolder, 'times');
    this.log = log;
  }

  /** @returns undefined where too little is known. Never throws. */
  async usualTime(mode: string): Promise<UsualTime | undefined> {
    return this.made(await this.learnedOf(mode)).usual;
  }

  /** By mode, those that enough is known of. */
  async usualTimes(modes: readonly string[]): Promise<ReadonlyMap<string, UsualTime>> {
    const usualTimes = new Map<string, UsualTime>();
    for (const mode of new Set(modes)) {
      const usual = await this.usualTime(mode);
      if (usual !== undefined) usualTimes.set(mode, usual);
    }
    return usualTimes;
  }

  /** @returns undefined where too little is known. Never throws. */
  async schedule(mode: string): Promise<Schedule | undefined> {
    return this.made(await this.learnedOf(mode)).schedule;
  }

  /** Of use at once; on disk soon. Never throws. */
  async learn(mode: string, span: TimeSpan): Promise<void> {
    if (!isTelling(span)) return;
    const learned = await this.learnedOf(mode);
    learned.spans = [...learned.spans.slice(1 - MOST_TIMES), span];
    learned.lines++;
    this.writing = this.writing.then(() => this.write(mode, span, learned));
    await this.writing;
  }

  private async write(mode: string, span: TimeSpan, learned: Learned): Promise<void> {
    const path = this.pathOf(mode);
    if (path === undefined) return;
    try {
      await makePrivateFolder(this.folder);
      await appendFile(path, lineOf(span), { mode: 0o600 });
      if (learned.lines <= MOST_TIMES + SPARE_LINES) return;
      // What other processes have added is in it; a line that one adds this moment is lost.
      const kept = spansIn(await readFile(path, 'utf8')).slice(-MOST_TIMES);
      await writeDurably(path, kept.map(lineOf).join(''));
      learned.lines = kept.length;
    } catch (error) {
      this.log.debug('time not kept', { mode, reason: String(error) });
    }
  }

  private async learnedOf(mode: string): Promise<Learned> {
    const reading = this.modes.get(mode) ?? this.read(mode);
    this.modes.set(mode, reading);
    return await reading;
  }

  private async read(mode: string): Promise<Learned> {
    const path = this.pathOf(mode);
    const text = path === undefined ? '' : await readFile(path, 'utf8').catch(() => '');
    const spans = spansIn(text);
    return {
      spans: spans.slice(-MOST_TIMES),
      lines: text.split('\n').length - 1,
      madeOf: 0,
      usual: undefined,
      schedule: undefined,
    };
  }

  private made(learned: Learned): Learned {
    const isNew = learned.lines - learned.madeOf > learned.madeOf * NEW_SHARE || learned.lines < learned.madeOf;
    if (isNew) {
      learned.madeOf = learned.lines;
      learned.usual = usualTimeOf(learned.spans);
      learned.schedule = learned.usual && learnedSchedule(learned.usual);
    }
    return learned;
  }

  /** A record that somebody wrote by hand must not name another file. */
  private pathOf(mode: string): string | undefined {
    return /^[a-z0-9_]{1,40}$/.test(mode) ? join(this.folder, mode) : undefined;
  }
}

function isTelling({ fromSeconds, toSeconds }: TimeSpan): boolean {
  const isOrdered = fromSeconds >= 0 && toSeconds > 0 && toSeconds >= fromSeconds;
  return isOrdered && toSeconds <= LONGEST_TASK_SECONDS && toSeconds - fromSeconds <= WIDEST_SPAN_SECONDS;
}

function lineOf({ fromSeconds, toSeconds }: TimeSpan): string {
  return `${fromSeconds.toFixed(1)} ${toSeconds.toFixed(1)}\n`;
}

/** Lines that cannot be read, or tell nothing, are passed over. */
function spansIn(text: string): TimeSpan[] {
  return text.split('\n').flatMap((line) => {
    const [, from, to] = /^(\d{1,6}(?:\.\d+)?) (\d{1,6}(?:\.\d+)?)\r?$/.exec(line) ?? [];
    const span = { fromSeconds: Number(from), toSeconds: Number(to) };
    return isTelling(span) ? [span] : [];
  });
}
