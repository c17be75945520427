/** How do the settings become a working service? Nothing is opened before the first call that needs it. */
import { setMaxListeners } from 'node:events';
import { systemClock } from './clock.ts';
import { createApi } from './jimeng/api.ts';
import type { Credentials } from './jimeng/signature.ts';
import type { Log } from './log.ts';
import { findFfmpeg, keepFound } from './media/clip-ffmpeg.ts';
import { isPrivateHost } from './media/private-address.ts';
import { createNetwork } from './network.ts';
import { Problem } from './problems.ts';
import { type Operation, type ReadSettings, requireSettings, type Settings } from './settings.ts';
import { Changes } from './tasks/changes.ts';
import type { TaskContext } from './tasks/context.ts';
import { Journal } from './tasks/journal.ts';
import { PastTimes } from './tasks/past-times.ts';
import { ownIdentity } from './tasks/process-identity.ts';
import { QueryBudget } from './tasks/query-budget.ts';
import { accountOf } from './tasks/scope.ts';
import { VideoService } from './tasks/service.ts';

export interface ServiceHolder {
  readonly settings: Settings;
  readonly sandbox: boolean;
  /**
   * @param operations what it is opened for: only the settings that these need have to be right
   * @throws Problem invalid_settings with every problem by name, missing_credentials with the variables
   */
  service(...operations: readonly Operation[]): Promise<VideoService>;
  /** Ends every wait; awaits and records what was sent, for at most so long. */
  end(waitMilliseconds: number): Promise<void>;
}

/** A process that is told to end does not wait for its disk for longer. */
const LAST_WRITE_MILLISECONDS = 300;

interface Endpoint {
  readonly credentials: Credentials;
  /** What records carry: the embedded sandbox has another port each time, and is the same all the same. */
  readonly origin: string;
  readonly isPrivate: boolean;
  url(): Promise<URL>;
  close(): Promise<void>;
}

export function holdService(read: ReadSettings, log: Log): ServiceHolder {
  const { settings } = read;
  const ending = new AbortController();
  // A thousand tasks may listen to it.
  setMaxListeners(0, ending.signal);
  const network = createNetwork(settings.proxy);
  let opened: Promise<{ service: VideoService; endpoint: Endpoint }> | undefined;

  const open = async () => {
    const endpoint =
      settings.api === 'sandbox' ? await embeddedSandbox(settings.sandboxSeconds) : remote(read, settings.api);
    const clock = systemClock;
    const scope = { origin: endpoint.origin, account: accountOf(endpoint.credentials.accessKeyId) };
    const api = createApi({
      endpoint: () => endpoint.url(),
      credentials: endpoint.credentials,
      apiTimeoutSeconds: settings.apiTimeoutSeconds,
      network,
      clock,
      log,
    });
    const { ffmpeg: setting, searchPath, childEnvironment } = settings;
    const journal = new Journal(settings.stateDir, scope, log);
    const context: TaskContext = {
      settings,
      api,
      apiIsPrivate: endpoint.isPrivate,
      journal,
      network,
      ffmpeg: keepFound(() => findFfmpeg(setting, searchPath, { clock, environment: childEnvironment })),
      clock,
      log,
      identity: ownIdentity(),
      changes: new Changes(),
      queryBudget: new QueryBudget(clock),
      pastTimes: new PastTimes(journal.folder, log),
      ending: ending.signal,
    };
    return { service: new VideoService(context, settings.api === 'sandbox'), endpoint };
  };

  return {
    settings,
    sandbox: settings.api === 'sandbox',
    async service(...operations) {
      requireSettings(read, ...operations);
      opened ??= open();
      try {
        return (await opened).service;
      } catch (error) {
        // A port may be free the next time.
        opened = undefined;
        throw error;
      }
    },
    async end(waitMilliseconds) {
      ending.abort(new Error('the server is ending'));
      const holder = await opened?.catch(() => undefined);
      if (holder !== undefined) {
        const limit = new AbortController();
        const tooLong = systemClock.sleep(waitMilliseconds, limit.signal).catch(() => undefined);
        const isOver = await Promise.race([holder.service.ended().then(() => true), tooLong]);
        limit.abort();
        // On a disk that hangs the next process records it.
        if (!isOver) await Promise.race([holder.service.giveUpAnswers(), systemClock.sleep(LAST_WRITE_MILLISECONDS)]);
        await holder.endpoint.close();
      }
      await network.close();
    },
  };
}

function remote(read: ReadSettings, url: URL): Endpoint {
  const { credentials } = read.settings;
  if (credentials === undefined) {
    requireSettings(read, 'query');
    throw new Problem('missing_credentials');
  }
  return {
    credentials,
    origin: url.href.replace(/\/$/, ''),
    isPrivate: isPrivateHost(url.hostname),
    url: async () => url,
    close: async () => undefined,
  };
}

/** Its own keys: the user's never go to it. */
export async function embeddedSandbox(generationSeconds: number): Promise<Endpoint> {
  const { SANDBOX_CREDENTIALS, startSandbox } = await import('./sandbox/sandbox.ts');
  let running: ReturnType<typeof startSandbox> | undefined;
  return {
    credentials: SANDBOX_CREDENTIALS,
    origin: 'sandbox',
    isPrivate: true,
    url: async () => {
      running ??= startSandbox({ generationSeconds });
      return new URL((await running).url);
    },
    close: async () => await (await running)?.close(),
  };
}
