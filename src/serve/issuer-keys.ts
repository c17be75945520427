/** The keys of an authorization server, found as RFC 8414 and OpenID Connect say; the first token of a new key has them fetched again. */
import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type RemoteJWKSet,
} from 'jose';
import type { Clock } from '../clock.ts';
import { describeFailure } from '../jimeng/not-sent.ts';
import { Problem } from '../problems.ts';
import type { Network } from '../system/network.ts';

const FETCH_MILLISECONDS = 5_000;
/** Keys that the server has withdrawn count for so long at the most. */
const MAX_AGE_MILLISECONDS = 10 * 60_000;
/**
 * The server is queried again after this time at the earliest, whether a key was not among the published ones or a query
 * failed: anybody can send tokens of keys that do not exist.
 */
const AGAIN_MILLISECONDS = 5_000;

export interface IssuerKeysOptions {
  readonly issuer: URL;
  readonly network: Network;
  readonly clock: Clock;
}

export class IssuerKeys {
  private readonly options: IssuerKeysOptions;
  private published: RemoteJWKSet | undefined;
  /** Shared by all requests that wait for it. */
  private fetching: Promise<RemoteJWKSet> | undefined;
  private fetchedAt = Number.NEGATIVE_INFINITY;
  private failedAt = Number.NEGATIVE_INFINITY;

  constructor(options: IssuerKeysOptions) {
    this.options = options;
  }

  /** With and without a slash at the end: servers differ. */
  get issuerNames(): string[] {
    const bare = this.options.issuer.href.replace(/\/$/, '');
    return [bare, `${bare}/`];
  }

  /** As `jwtVerify` takes it. @throws JWKSNoMatchingKey and the like; any other error means that the keys cannot be fetched */
  readonly keyOf = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    const isFresh = this.isWithin(MAX_AGE_MILLISECONDS, this.fetchedAt);
    const keys = isFresh && this.published !== undefined ? this.published : await this.fetchKeys();
    try {
      return await keys(header, token);
    } catch (error) {
      const isJustFetched = this.fetching === undefined && this.isWithin(AGAIN_MILLISECONDS, this.fetchedAt);
      if (!(error instanceof errors.JWKSNoMatchingKey) || isJustFetched) throw error;
      return await (await this.fetchKeys())(header, token);
    }
  };

  /** @throws where the keys cannot be fetched */
  async check(): Promise<void> {
    await this.fetchKeys();
  }

  private isWithin(milliseconds: number, time: number): boolean {
    return this.options.clock.monotonic() - time < milliseconds;
  }

  private async fetchKeys(): Promise<RemoteJWKSet> {
    if (this.fetching === undefined && this.isWithin(AGAIN_MILLISECONDS, this.failedAt)) {
      throw new Error('not queried again yet');
    }
    this.fetching ??= this.fetchNow().finally(() => {
      this.fetching = undefined;
    });
    return await this.fetching;
  }

  private async fetchNow(): Promise<RemoteJWKSet> {
    const { clock } = this.options;
    try {
      const keys = this.published ?? (await this.discover());
      await keys.reload();
      this.published = keys;
      this.fetchedAt = clock.monotonic();
      return keys;
    } catch (error) {
      this.failedAt = clock.monotonic();
      throw error;
    }
  }

  private async discover(): Promise<RemoteJWKSet> {
    const { issuer } = this.options;
    const path = issuer.pathname.replace(/\/$/, '');
    const places = [
      new URL(`/.well-known/oauth-authorization-server${path}`, issuer),
      new URL(`${path}/.well-known/openid-configuration`, issuer),
    ];
    for (const place of places) {
      const response = await this.fetch(place.href);
      if (!response.ok) continue;
      const found = (await response.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
      if (!this.issuerNames.includes(String(found.issuer))) {
        throw new Problem('invalid_settings', {
          what: `JIMENG_VIDEO_OAUTH_ISSUER is ${issuer.href}, and ${place.href} names another issuer.`,
          hint: 'set it to the issuer that stands there',
        });
      }
      const uri = URL.parse(String(found.jwks_uri));
      if (uri === null || (uri.protocol !== 'https:' && uri.hostname !== issuer.hostname)) continue;
      return createRemoteJWKSet(uri, {
        [customFetch]: (url, init) => this.fetch(url, init.signal),
        // When they are fetched again is decided here.
        cacheMaxAge: Number.POSITIVE_INFINITY,
        cooldownDuration: Number.POSITIVE_INFINITY,
      });
    }
    throw new Error(`${issuer.href} publishes neither RFC 8414 nor OpenID Connect metadata`);
  }

  private async fetch(url: string, signal: AbortSignal = AbortSignal.timeout(FETCH_MILLISECONDS)): Promise<Response> {
    const { fetch } = await import('undici');
    const dispatcher = await this.options.network.shared(new URL(url));
    // What it is redirected to was not named by the issuer.
    const options = { dispatcher, signal, redirect: 'error', headers: { accept: 'application/json' } } as const;
    const response = await fetch(url, options).catch((error: unknown) => {
      throw new Error(`${url} does not answer (${describeFailure(error)})`, { cause: error });
    });
    return response as unknown as Response;
  }
}
