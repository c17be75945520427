/** Tokens of an authorization server: this server is an OAuth 2.1 resource server. Keys are found as RFC 8414 and OpenID Connect say. */
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify, type RemoteJWKSet } from 'jose';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import type { Network } from '../system/network.ts';
import { type Access, type Identified, LIST_UNREADABLE } from './access.ts';
import { type People, rightsIn } from './people.ts';
import { EVERYBODY_ELSE, SUB } from './token-file.ts';

export interface OauthOptions {
  readonly issuer: URL;
  readonly audience: string;
  /** Budgets and admins by `sub`; undefined: there is no list. */
  readonly people: Pick<People, 'latest'> | undefined;
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
}

/** Signatures that a public key verifies: a shared secret or none proves nothing here. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const CLOCK_TOLERANCE_SECONDS = 30;
const FETCH_MILLISECONDS = 5_000;
/** An issuer that is away is asked again after this time at the earliest. */
const RETRY_MILLISECONDS = 5_000;

/** In a scope or a role of the token: its bearer sees everybody's tasks. */
const ADMIN = 'jimeng-video:admin';

export class OauthAccess implements Access {
  private readonly options: OauthOptions;
  private keys: Promise<RemoteJWKSet> | undefined;
  private failedAt = Number.NEGATIVE_INFINITY;

  constructor(options: OauthOptions) {
    this.options = options;
  }

  async identify(bearer: string | undefined): Promise<Identified> {
    if (bearer === undefined) return { status: 401, message: 'A bearer token is needed.' };
    const { audience, clock, log } = this.options;
    const invalid = (message: string): Identified => ({ status: 401, error: 'invalid_token', message });
    // Not a JWT: no key has to be fetched to know that.
    if (bearer.split('.').length !== 3) return invalid('This token is not known, or no longer.');
    try {
      const { payload } = await jwtVerify(bearer, await this.keySet(), {
        ...{ issuer: this.issuerNames, audience, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE_SECONDS },
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(clock.now()),
      });
      return await this.callerOf(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return invalid('This token has expired.');
      if (error instanceof errors.JWTClaimValidationFailed)
        return invalid(`This token is not for this server (${error.claim}).`);
      if (isOfToken(error)) return invalid('This token is not valid.');
      log.warn('the keys of the authorization server are not to be had', { reason: String(error) });
      return { status: 503, message: 'The authorization server does not answer, so no token can be checked.' };
    }
  }

  /**
   * The same `sub` of two issuers is two people, and neither is the person of that name in the list: an entry with that
   * `sub` alone decides who it is.
   */
  private async callerOf({ iss = '', sub, ...claims }: JWTPayload): Promise<Identified> {
    // Anything else could make one person of two, or be no name that a record can hold.
    if (typeof sub !== 'string' || !SUB.test(sub)) {
      return { status: 401, error: 'invalid_token', message: 'This token names nobody who can be known again (sub).' };
    }
    const { people } = this.options;
    const list = people === undefined ? [] : await people.latest();
    if (list === undefined) return LIST_UNREADABLE;
    const entry = list.find((one) => one.sub === sub) ?? list.find((one) => one.sub === EVERYBODY_ELSE);
    const { isAdmin = isAdminBy(claims), ...rights } = entry === undefined ? {} : rightsIn(entry);
    return { kind: 'remote-agent', person: entry?.name ?? `${iss.replace(/\/$/, '')} ${sub}`, isAdmin, ...rights };
  }

  /** With and without a slash at the end: servers differ. */
  private get issuerNames(): string[] {
    const { href } = this.options.issuer;
    const bare = href.replace(/\/$/, '');
    return [bare, `${bare}/`];
  }

  private async keySet(): Promise<RemoteJWKSet> {
    const { clock } = this.options;
    if (this.keys === undefined && clock.monotonic() - this.failedAt < RETRY_MILLISECONDS) {
      throw new Error('not asked again yet');
    }
    this.keys ??= this.discover().catch((error: unknown) => {
      this.keys = undefined;
      this.failedAt = clock.monotonic();
      throw error;
    });
    return await this.keys;
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
      return createRemoteJWKSet(uri, { [customFetch]: (url, init) => this.fetch(url, init.signal) });
    }
    throw new Error(`${issuer.href} publishes neither RFC 8414 nor OpenID Connect metadata`);
  }

  private async fetch(url: string, signal: AbortSignal = AbortSignal.timeout(FETCH_MILLISECONDS)): Promise<Response> {
    const { fetch } = await import('undici');
    const dispatcher = await this.options.network.shared(new URL(url));
    // What it is redirected to was not named by the issuer.
    const response = await fetch(url, {
      dispatcher,
      signal,
      redirect: 'error',
      headers: { accept: 'application/json' },
    });
    return response as unknown as Response;
  }
}

/** Everything else is a failure to get the keys. */
function isOfToken(error: unknown): boolean {
  const kinds = [errors.JOSEAlgNotAllowed, errors.JWSInvalid, errors.JWSSignatureVerificationFailed, errors.JWTInvalid];
  const others = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];
  return [...kinds, ...others].some((kind) => error instanceof kind);
}

function isAdminBy({ scope, scp, roles }: JWTPayload): boolean {
  const words = [scope, scp, roles].flatMap((given) =>
    typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : [],
  );
  return words.includes(ADMIN);
}
