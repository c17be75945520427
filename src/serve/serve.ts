/** What the commands `serve` and `worker` load, in a file of their own: who may use the server, and with what key it signs. */
import { createHmac, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { App } from '../app.ts';
import type { Clock } from '../clock.ts';
import { isJoinId } from '../films/calls.ts';
import { isFilmId } from '../films/film.ts';
import { type Credentials, SANDBOX_CREDENTIALS } from '../jimeng/signature.ts';
import type { Caller } from '../library/library.ts';
import { SignedLinks } from '../library/signed-links.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import type { Settings } from '../settings.ts';
import type { Network } from '../system/network.ts';
import { type Assets, readAssets } from '../web/assets.ts';
import { FilmApi } from '../web/film-api.ts';
import { GalleryApi, readingCall } from '../web/gallery-api.ts';
import { type Access, anyOf, ONE_USER } from './access.ts';
import { JoinedVideos } from './joined-videos.ts';
import type { StoreFigures } from './metrics.ts';
import { isEveryAddress, isLoopbackHost } from './own-hosts.ts';
import { People, tokenAccess } from './people.ts';
import type { GalleryParts } from './server.ts';
import { countWorkers } from './worker.ts';

export { createHandlers } from '../mcp/handlers.ts';
export { phrasingForServer } from '../report/phrasing-tools.ts';
export { countedLog, Metrics } from './metrics.ts';
export { startServer } from './server.ts';
export { countWorkers, watchWorkers, work } from './worker.ts';

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
export function sharedVideos(
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
export function galleryParts(app: () => App, clock: Clock): GalleryParts {
  let assets: Promise<Assets> | undefined;
  return {
    assets: () => {
      assets ??= readAssets(fileURLToPath(new URL('./gallery', import.meta.url)));
      return assets;
    },
    async open(caller, token) {
      const [videos, films] = [await app().service('read'), await app().films('read')];
      const library = await app().library();
      // No provider takes the keys of a sandbox, so nothing is ever charged for them.
      const isSandbox = app().settings.accessKeyId === SANDBOX_CREDENTIALS.accessKeyId;
      const source = { videos, library, caller, keys: app(), clock, isSandbox, isHere: false };
      return { videos: new GalleryApi(source, token), films: new FilmApi(films, source), library };
    },
  };
}

async function pathOf(owner: string, app: App): Promise<string | undefined> {
  if (isFilmId(owner)) return (await (await app.films('read')).read(owner, EVERYBODY))?.join?.file.path;
  return (await (await app.service('read')).read(owner, EVERYBODY))?.task.video?.file?.path;
}

/** What the store holds, of everybody. */
export async function readStore(app: App, clock: Clock): Promise<StoreFigures> {
  const service = await app.service('read');
  return { ...(await service.list({ limit: 1 }, readingCall(clock, EVERYBODY))), workers: await countWorkers(app) };
}

/** The same on all hosts that use the same account; without keys nothing is paid, and nothing signed. */
export function stateKeyOf(credentials: Credentials | undefined): Uint8Array {
  if (credentials === undefined) return randomBytes(32);
  return createHmac('sha256', credentials.secretAccessKey).update('jimeng-video-mcp confirmations').digest();
}
