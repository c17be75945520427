/** Makes a working service of the settings, and ends it in order. Nothing is opened before the first call that needs it. */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { systemClock } from './clock.ts';
import { compose } from './compose.ts';
import type { ClipService, FilmService } from './films/calls.ts';
import type { Director } from './films/director.ts';
import type { Credentials } from './jimeng/signature.ts';
import type { Library, LinkOf } from './library/library.ts';
import type { Log } from './log.ts';
import { findFfmpeg, keepFound } from './media/clip/ffmpeg.ts';
import { isPrivateHost } from './media/private-address.ts';
import type { Problem } from './problems.ts';
import { type Operation, type ReadSettings, requireSettings, type Settings, settingsProblem } from './settings.ts';
import type { Sends } from './store/store.ts';
import type { TaskStore } from './store/task-store.ts';
import { createNetwork, type Network } from './system/network.ts';
import { leaveDeletedFolder } from './system/thread.ts';
import { pause } from './system/wait.ts';
import type { VideoService } from './tasks/calls.ts';
import type { TaskService } from './tasks/service.ts';

export interface App {
  readonly settings: Settings;
  readonly sandbox: boolean;
  /** Missing keys, or a setting that has to be corrected first. */
  readonly whyNotPolled: Problem | undefined;
  /** What a paid call would be refused with: the same, or a setting that only it needs. */
  readonly whyNotPaid: Problem | undefined;
  /** Videos are listed by account, which the access key alone identifies: without it none are seen. */
  readonly isAccountKnown: boolean;
  /**
   * @param operations what it is opened for: only the settings that these need have to be right
   * @throws Problem invalid_settings with every problem by name, missing_credentials with the variables
   */
  service(...operations: readonly Operation[]): Promise<VideoService>;
  /** As `service`. */
  films(...operations: readonly Operation[]): Promise<FilmService>;
  /** As `service`. */
  clips(...operations: readonly Operation[]): Promise<ClipService>;
  /** Where finished videos are. */
  library(): Promise<Library>;
  /** Ends every wait; awaits and records what was sent, for at most so long. */
  end(waitMilliseconds: number): Promise<void>;
}

/** A process that is ending does not wait for its disk for longer. */
const LAST_WRITE_MILLISECONDS = 300;

interface Endpoint {
  readonly credentials: Credentials | undefined;
  /** What records carry: the embedded sandbox has another port each time, and is the same all the same. */
  readonly origin: string;
  readonly isPrivate: boolean;
  url(): Promise<URL>;
  close(): Promise<void>;
}

export interface AppOptions {
  /** Which queued requests this process sends, where the store is shared. `none`: open work of others is left to them. */
  readonly sends?: Sends;
  /** Links to saved videos of the output folder, where this process serves them. */
  readonly linkOf?: LinkOf | undefined;
}

interface OpenOptions extends AppOptions {
  readonly sends: Sends;
  readonly network: Network;
  readonly log: Log;
  readonly ending: AbortSignal;
}

interface Opened {
  readonly service: TaskService;
  readonly films: FilmService;
  readonly clips: ClipService;
  readonly library: Library;
  readonly director: Director;
  readonly store: TaskStore;
  readonly endpoint: Endpoint;
}

/**
 * Records of other pairs of service and account are not seen.
 * @public also for benches, which import it by path
 */
export function scopeOf(origin: string, accessKeyId: string | undefined): string {
  if (accessKeyId === undefined) return `${origin} no-key`;
  const account = createHash('sha256').update(`jimeng-video-mcp account\n${accessKeyId}`).digest('hex').slice(0, 16);
  return `${origin} ${account}`;
}

export function createApp(read: ReadSettings, log: Log, { sends = 'own', linkOf }: AppOptions = {}): App {
  const { settings } = read;
  const ending = new AbortController();
  // A thousand tasks may listen to it.
  setMaxListeners(0, ending.signal);
  const network = createNetwork(settings.proxy);
  let opening: Promise<Opened> | undefined;
  const opened = async (operations: readonly Operation[]): Promise<Opened> => {
    requireSettings(read, ...operations);
    const unreachable = settings.api === 'sandbox' ? undefined : network.problemFor(settings.api);
    if (unreachable !== undefined && operations.includes('paid')) throw unreachable;
    opening ??= open(settings, { network, log, sends, linkOf, ending: ending.signal }).catch((error: unknown) => {
      // A port may be free the next time.
      opening = undefined;
      throw error;
    });
    return await opening;
  };
  return {
    settings,
    sandbox: settings.api === 'sandbox',
    whyNotPolled: settingsProblem(read, 'query'),
    whyNotPaid: settingsProblem(read, 'paid'),
    isAccountKnown: settings.api === 'sandbox' || settings.accessKeyId !== undefined,
    service: async (...operations) => (await opened(operations)).service,
    films: async (...operations) => (await opened(operations)).films,
    clips: async (...operations) => (await opened(operations)).clips,
    library: async () => (await opened(['read'])).library,
    async end(waitMilliseconds) {
      ending.abort(new Error('the server is ending'));
      const used = await opening?.catch(() => undefined);
      if (used !== undefined) await close(used, waitMilliseconds);
      await network.close();
    },
  };
}

async function open(settings: Settings, { network, log, sends, linkOf, ending }: OpenOptions): Promise<Opened> {
  const clock = systemClock;
  const endpoint = settings.api === 'sandbox' ? await embeddedSandbox(settings) : remote(settings, settings.api);
  const { ffmpeg: setting, searchPath, childEnvironment } = settings;
  const { service, films, clips, director, store, library } = compose({
    ...{ settings, endpoint, network, clock, sends, linkOf, log, ending },
    scope: scopeOf(endpoint.origin, endpoint.credentials?.accessKeyId ?? settings.accessKeyId),
    ffmpeg: keepFound(() => findFfmpeg(setting, searchPath, { clock, environment: childEnvironment })),
  });
  return { service, films, clips, director, store, library, endpoint };
}

async function close({ service, director, store, endpoint }: Opened, waitMilliseconds: number): Promise<void> {
  let isOver = false;
  const ended = Promise.all([service.ended(), director.ended()]).then(() => {
    isOver = true;
  });
  await pause(systemClock, { atMost: waitMilliseconds, until: () => ended });
  const last = async () => {
    if (!isOver) await service.giveUpAnswers();
    await store.close();
  };
  // On a disk that hangs the next process records it.
  await pause(systemClock, { atMost: LAST_WRITE_MILLISECONDS, until: last });
  await endpoint.close();
}

function remote(settings: Settings, url: URL): Endpoint {
  return {
    credentials: settings.credentials,
    origin: url.href.replace(/\/$/, ''),
    isPrivate: isPrivateHost(url.hostname),
    url: async () => url,
    close: async () => undefined,
  };
}

/** Its own keys: the user's never go to it. */
export async function embeddedSandbox({
  sandboxSeconds,
  stateDir,
}: Settings): Promise<Endpoint & { credentials: Credentials }> {
  const { SANDBOX_CREDENTIALS, startSandbox } = await import('./sandbox/sandbox.ts');
  let running: ReturnType<typeof startSandbox> | undefined;
  return {
    credentials: SANDBOX_CREDENTIALS,
    origin: 'sandbox',
    isPrivate: true,
    url: async () => {
      // The sandbox draws in a thread.
      leaveDeletedFolder();
      running ??= startSandbox({ generationSeconds: sandboxSeconds, folder: join(stateDir, 'sandbox') });
      return new URL((await running).url);
    },
    close: async () => await (await running)?.close(),
  };
}
