/** What the commands `serve` and `worker` load: puts the shared server together, and decides who may use it. */
import { createHmac, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type App, createApp } from '../app.ts';
import type { Clock } from '../clock.ts';
import { isJoinId } from '../films/calls.ts';
import { isFilmId } from '../films/film.ts';
import { type Credentials, SANDBOX_CREDENTIALS } from '../jimeng/signature.ts';
import type { Caller, LinkOf } from '../library/library.ts';
import { SignedLinks } from '../library/signed-links.ts';
import type { Log } from '../log.ts';
import { createHandlers } from '../mcp/handlers.ts';
import { Problem } from '../problems.ts';
import { phrasingForServer } from '../report/phrasing-tools.ts';
import type { ReadSettings, Settings } from '../settings.ts';
import type { Sends } from '../store/store.ts';
import { createNetwork, type Network } from '../system/network.ts';
import { type Assets, readAssets } from '../web/assets.ts';
import { FilmApi } from '../web/film-api.ts';
import { GalleryApi, readingCall } from '../web/gallery-api.ts';
import { type Access, anyOf, ONE_USER } from './access.ts';
import { JoinedVideos } from './joined-videos.ts';
import { countedLog, Metrics, type StoreFigures } from './metrics.ts';
import { isEveryAddress, isLoopbackHost } from './own-hosts.ts';
import { People, tokenAccess } from './people.ts';
import { type GalleryParts, startServer } from './server.ts';
import { countWorkers, watchWorkers, work } from './worker.ts';

export { work } from './worker.ts';

/** How long the process may take to end: `docker stop` kills after 10 s. */
const END_MILLISECONDS = 8_000;
/** For answers that are due: every wait has been ended by then. */
const LAST_ANSWERS_MILLISECONDS = 1_500;

/** The process of one of the commands. */
export interface Running {
  readonly read: ReadSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted by the first signal. */
  readonly over: AbortSignal;
  /** What has to be ended, in the order in which it is. */
  readonly endings: (() => Promise<void>)[];
}

export function openApp({ read, log, endings }: Running, sends: Sends, linkOf?: LinkOf): App {
  const app = createApp(read, log, { sends, linkOf });
  // First: it ends every wait, so that the answers are due.
  endings.push(() => app.end(END_MILLISECONDS));
  return app;
}

interface Listening {
  readonly host: string;
  readonly port: number;
  /** False: it takes in and answers only. */
  readonly isWorker: boolean;
}

/** @throws Problem invalid_settings where nobody, or everybody, could use the server */
export async function prepareServer(running: Running, { host, port, isWorker }: Listening) {
  const { read, clock, over, endings } = running;
  const { settings } = read;
  const { publicUrl, oauthIssuer: issuer } = settings;
  const network = createNetwork(settings.proxy);
  let listener: Awaited<ReturnType<typeof startServer>> | undefined;
  const metrics: Metrics = new Metrics(
    () => readStore(app, clock),
    async () => (await listener?.connections()) ?? 0,
  );
  const log = countedLog(running.log, (event, fields) => metrics.event(event, fields));
  const access = await openAccess(settings, host, { network, clock, log });
  const base = () => publicUrl ?? new URL(listener?.url ?? 'http://127.0.0.1');
  const videos = sharedVideos(settings, host, () => app, { base, clock });
  const app = openApp({ ...running, log }, isWorker ? 'all' : 'none', videos?.linkOf);
  endings.push(() => network.close());
  // Without tokens, whoever calls is on this computer, and is its operator.
  const isShared = settings.tokensFile !== undefined || issuer !== undefined;
  const hasLinks = settings.storage !== undefined || videos !== undefined;
  return {
    /** @returns the address @throws the system's error where it cannot listen there */
    async listen(): Promise<string> {
      listener = await startServer({
        ...{ host, port, publicUrl, issuer, access, metrics, videos, clock, log, over },
        gallery: galleryParts(app, clock),
        ready: async () => void (await (await app.service('read')).openIds(EVERYBODY)),
        handlers: createHandlers(app, log, isShared ? phrasingForServer(hasLinks) : undefined),
        stateKey: stateKeyOf(settings.credentials),
      });
      const { url, close } = listener;
      endings.push(() => close(LAST_ANSWERS_MILLISECONDS));
      return url;
    },
    async runUntilOver(): Promise<void> {
      if (isWorker) await work(app, { clock, log, over });
      else await watchWorkers(() => countWorkers(app), { clock, log, over });
    },
  };
}

/** Sees everybody's videos. */
const EVERYBODY: Caller = { kind: 'terminal' };

type AccessSettings = Pick<Settings, 'tokensFile' | 'oauthIssuer' | 'oauthAudience' | 'publicUrl'>;

/**
 * @param host that is listened on
 * @throws Problem invalid_settings where nobody is set who may use a server that others can reach
 */
export async function openAccess(
  { tokensFile, oauthIssuer, oauthAudience, publicUrl }: AccessSettings,
  host: string,
  { network, clock, log }: { readonly network: Network; readonly clock: Clock; readonly log: Log },
): Promise<Access> {
  const ways: Access[] = [];
  const people = tokensFile === undefined ? undefined : new People(tokensFile, log);
  if (people !== undefined) {
    await people.check(oauthIssuer !== undefined);
    ways.push(tokenAccess(people));
  }
  if (oauthIssuer !== undefined) {
    const audience = oauthAudience ?? (publicUrl && endpointOf(publicUrl));
    if (audience === undefined) {
      throw new Problem('invalid_settings', {
        what: 'JIMENG_VIDEO_OAUTH_AUDIENCE is not set, so tokens for other servers could not be told from those for this one.',
        hint: 'set it to the audience of this server’s tokens, or set JIMENG_VIDEO_PUBLIC_URL',
      });
    }
    // Loaded where it is set.
    const { OauthAccess } = await import('./oauth.ts');
    ways.push(new OauthAccess({ issuer: oauthIssuer, audience, people, network, clock, log }));
  }
  if (ways.length > 0) return anyOf(ways);
  if (isLoopbackHost(host)) return ONE_USER;
  throw new Problem('invalid_settings', {
    what: `--host ${JSON.stringify(host)} can be reached from other computers, and nobody is set who may use the server.`,
    hint: 'set JIMENG_VIDEO_TOKENS or JIMENG_VIDEO_OAUTH_ISSUER, or use --host 127.0.0.1',
  });
}

/** The address of the MCP endpoint. */
function endpointOf(publicUrl: URL): string {
  return `${publicUrl.href.replace(/\/$/, '')}/mcp`;
}

/**
 * Where the hosts share the folder of videos, each serves them.
 * @param base what links begin with; asked when the first link is made
 * @returns undefined where links lead nowhere: nothing is saved, or to a storage with links of its own
 */
function sharedVideos(
  { storage, outputDir, publicUrl }: Pick<Settings, 'storage' | 'outputDir' | 'publicUrl'>,
  host: string,
  app: () => App,
  { base, clock }: { readonly base: () => URL; readonly clock: Clock },
) {
  if (storage !== undefined || outputDir === undefined) return undefined;
  // Which of its addresses a person reaches is not known.
  if (publicUrl === undefined && isEveryAddress(host)) return undefined;
  const joined = new JoinedVideos(outputDir, clock);
  let made: SignedLinks | undefined;
  const links = () => {
    made ??= new SignedLinks({ folder: outputDir, base: base(), clock });
    return made;
  };
  return {
    async linkOf(owner: string, path: string) {
      if (isJoinId(owner)) await joined.keep(owner, path);
      return await links().linkOf(owner);
    },
    links: { check: (...given: Parameters<SignedLinks['check']>) => links().check(...given) },
    pathOf: (owner: string) => (isJoinId(owner) ? joined.pathOf(owner) : pathOf(owner, app())),
  };
}

/** What each person sees of their own in a browser; the page's files lie beside the program. */
function galleryParts(app: App, clock: Clock): GalleryParts {
  let assets: Promise<Assets> | undefined;
  return {
    assets: () => {
      assets ??= readAssets(fileURLToPath(new URL('./gallery', import.meta.url)));
      return assets;
    },
    async open(caller, token) {
      const [videos, films] = [await app.service('read'), await app.films('read')];
      const library = await app.library();
      // No provider takes the keys of a sandbox, so nothing is ever charged for them.
      const isSandbox = app.settings.accessKeyId === SANDBOX_CREDENTIALS.accessKeyId;
      const source = { videos, library, caller, keys: app, clock, isSandbox, isHere: false };
      return { videos: new GalleryApi(source, token), films: new FilmApi(films, source), library };
    },
  };
}

async function pathOf(owner: string, app: App): Promise<string | undefined> {
  if (isFilmId(owner)) return (await (await app.films('read')).read(owner, EVERYBODY))?.join?.file.path;
  return (await (await app.service('read')).read(owner, EVERYBODY))?.task.video?.file?.path;
}

/** What the store holds, of everybody. */
async function readStore(app: App, clock: Clock): Promise<StoreFigures> {
  const service = await app.service('read');
  return { ...(await service.list({ limit: 1 }, readingCall(clock, EVERYBODY))), workers: await countWorkers(app) };
}

/** The same on all hosts that use the same account; without keys nothing is paid, and nothing signed. */
function stateKeyOf(credentials: Credentials | undefined): Uint8Array {
  if (credentials === undefined) return randomBytes(32);
  return createHmac('sha256', credentials.secretAccessKey).update('jimeng-video-mcp confirmations').digest();
}
