/** Puts the parts of the task service together. Nothing is opened here: the first call that needs a part opens it. */
import type { Clock } from './clock.ts';
import { Director } from './films/director.ts';
import { FilmPreparer } from './films/prepare-film.ts';
import { SavedClips } from './films/saved-clips.ts';
import { FilmMaker } from './films/service.ts';
import { createApi } from './jimeng/api.ts';
import type { Credentials } from './jimeng/signature.ts';
import { DiskLibrary } from './library/disk.ts';
import type { LinkOf } from './library/library.ts';
import { S3Library } from './library/s3.ts';
import type { Log } from './log.ts';
import type { Ffmpeg } from './media/clip/ffmpeg.ts';
import { Delivery } from './media/deliver.ts';
import { databaseFile, type Settings } from './settings.ts';
import type { Engine } from './store/engine.ts';
import { postgresEngine } from './store/postgres.ts';
import { sqliteEngine } from './store/sqlite.ts';
import type { Sends } from './store/store.ts';
import { TaskStore } from './store/task-store.ts';
import type { FileSystem } from './system/files.ts';
import type { Network } from './system/network.ts';
import { fenOf } from './tasks/admission.ts';
import { Collector } from './tasks/collector.ts';
import { QueryBudget, UsualTimes } from './tasks/poll-timing.ts';
import { Preparer } from './tasks/prepare.ts';
import { Recovery } from './tasks/recovery.ts';
import { Refresher } from './tasks/refresher.ts';
import { TaskService } from './tasks/service.ts';
import { Submitter } from './tasks/submitter.ts';
import { WaitingRequests } from './tasks/waiting.ts';
import { Watcher } from './tasks/watcher.ts';

/** Nothing is sent with these: operations that reach the provider check the keys first. */
const NO_KEYS: Credentials = { accessKeyId: '', secretAccessKey: '' };

export interface Parts {
  readonly settings: Settings;
  readonly endpoint: {
    readonly credentials: Credentials | undefined;
    /** Its links may then be on this machine, too. */
    readonly isPrivate: boolean;
    url(): Promise<URL>;
  };
  /** Records of other scopes are not seen. */
  readonly scope: string;
  readonly network: Network;
  /** @throws Problem ffmpeg_missing for a wrong setting */
  readonly ffmpeg: () => Promise<Ffmpeg | undefined>;
  readonly clock: Clock;
  /** For the database, where its lock is waited for in another time than the rest. */
  readonly storeClock?: Clock;
  /** What the library keeps files in. */
  readonly fs?: FileSystem;
  /** Links to saved videos of the output folder, where a server of ours serves them. */
  readonly linkOf?: LinkOf | undefined;
  /** Called for each accepted task, where it is not to be polled. */
  readonly onAccepted?: (taskId: string) => void;
  /**
   * Which queued requests this process sends where the store is shared; of a store of its own it sends its own.
   * `none`: open work of other processes is left to them, on any store.
   */
  readonly sends?: Sends;
  readonly log: Log;
  /** Aborted when the process is about to end. */
  readonly ending: AbortSignal;
}

export function compose({
  settings,
  endpoint,
  scope,
  network,
  ffmpeg,
  clock: hostClock,
  log,
  ending,
  ...parts
}: Parts) {
  const { aigcMeta, apiTimeoutSeconds, pollIntervalSeconds, maxPollAttempts, concurrency } = settings;
  const api = createApi({
    endpoint: () => endpoint.url(),
    credentials: endpoint.credentials ?? NO_KEYS,
    ...{ aigcMeta, apiTimeoutSeconds, network, clock: hostClock, log },
  });
  const isWorker = parts.sends !== 'none';
  const storeClock = parts.storeClock ?? hostClock;
  const { store: address, storeListen: listenAddress } = settings;
  const engine =
    address === undefined
      ? sqliteEngine({ file: databaseFile(settings), clock: storeClock, log })
      : postgresEngine({ address, listenAddress, clock: storeClock, log });
  const isStoreShared = address !== undefined;
  // Without keys it sends nothing, and must not be counted as a worker.
  const sharedSends = endpoint.credentials === undefined ? 'none' : (parts.sends ?? 'own');
  const sends = address === undefined ? 'own' : sharedSends;
  // Hosts compare each other's times: where they share a store, all times in records are by the database's clock.
  const clock = address === undefined ? hostClock : clockOf(engine, hostClock);
  const store = new TaskStore({ engine, scope, sends, clock: storeClock, log });
  const { outputDir, allowedDirs, workingDir, homeDir, imageDirs } = settings;
  const { storage, storageKeys, stateDir } = settings;
  const library =
    storage === undefined
      ? new DiskLibrary({
          ...{ outputDir, allowedDirs, workingDir, homeDir, clock: hostClock, isStoreShared },
          ...{ fs: parts.fs, linkOf: parts.linkOf },
        })
      : new S3Library({
          ...{ address: storage, keys: storageKeys ?? NO_KEYS, stateDir, homeDir, network, clock: hostClock },
        });
  const delivery = new Delivery({ library, network, mayReachPrivate: endpoint.isPrivate, ffmpeg, clock });
  const queryBudget = new QueryBudget(clock);
  const usualTimes = new UsualTimes((mode, limit) => store.durations(mode, limit), clock);
  const collector = new Collector({ library, isStoreShared, delivery, api, queryBudget, clock, log });
  const watcher = new Watcher({
    ...{ store, collector, api, queryBudget, usualTimes, pollIntervalSeconds, maxPollAttempts, clock, log, ending },
  });
  const submitter = new Submitter({
    ...{ store, api, clock: hostClock, log, concurrency, ending },
    onAccepted: parts.onAccepted ?? ((id) => void watcher.watch(id, 'accepted')),
  });
  const sweepFolders = async () => {
    const [open, alive] = [await store.lists.tasks({ limit: 200, open: true }), await store.lists.unsavedIds()];
    const films = new Set(await store.films.openIds());
    const places = open.flatMap(({ place }) => (place === null ? [] : [place]));
    await library.sweep(places, (id) => {
      const owner = id.replace(/-(cut|join-[0-9a-f]+|copy-[0-9a-f]+)$/, '');
      return alive.has(owner) || films.has(owner);
    });
  };
  const director = new Director({ store, library, isStoreShared, ffmpeg, clock, log, ending });
  const recovery = new Recovery({
    ...{ store, watcher, clock, log, ending, sweepFolders },
    followFilms: (ids) => {
      for (const id of ids) director.follow(id);
    },
    mayPoll: isWorker && endpoint.credentials !== undefined,
    runsUntilEnd: parts.sends === 'all',
    sendQueued: sends === 'all' ? () => service.sendQueued() : undefined,
  });
  const refresher = new Refresher({ store, library, delivery, collector, clock, log, ending });
  const preparer = new Preparer({
    ...{ store, library, ffmpeg, clock },
    imageRules: { workingDir, imageDirs, outputDir, homeDir },
  });
  const waiting = new WaitingRequests({ store, preparer, submitter, clock, log, ending });
  const { dailyBudgetCny, confirmAboveCny } = settings;
  const budgetFen = dailyBudgetCny === undefined ? undefined : fenOf(dailyBudgetCny);
  const service = new TaskService({
    ...{ store, library, preparer, submitter, waiting, watcher, refresher, recovery, usualTimes, clock, log, ending },
    ...{ sandbox: settings.api === 'sandbox', concurrency, budgetFen, confirmAboveCny, isWorker },
    stuckShots: (person) => director.stuckShots(person),
  });
  const films = new FilmMaker({
    ...{ store, library, submitter, waiting, watcher, recovery, director, clock, ending },
    preparer: new FilmPreparer({ preparer, library, clock, sandbox: settings.api === 'sandbox' }),
    ...{ sandbox: settings.api === 'sandbox', budgetFen, confirmAboveCny },
    sendLeft: () => service.sendLeft(),
    save: async (id, call) => void (await service.get(id, {}, call)),
  });
  const clips = new SavedClips({
    ...{ store, library, ffmpeg, clock, ending },
    fileRules: { workingDir, imageDirs, outputDir, homeDir },
  });
  return {
    ...{ films, director, clips },
    ...{ service, store, api, library, delivery, collector, watcher, submitter, recovery, refresher, preparer },
    ...{ usualTimes, queryBudget },
  };
}

function clockOf(engine: Engine, host: Clock): Clock {
  return {
    now: () => engine.now(),
    monotonic: () => host.monotonic(),
    sleep: (milliseconds, signal) => host.sleep(milliseconds, signal),
  };
}
