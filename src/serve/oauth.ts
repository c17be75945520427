/** Tokens of an authorization server: this server is an OAuth 2.1 resource server. */
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { type Log, reasonOf } from '../log.ts';
import { type Access, type Identified, KEYS_AWAY_EVENT, LIST_UNREADABLE, NO_TOKEN, UNKNOWN_TOKEN } from './access.ts';
import { IssuerKeys, type IssuerKeysOptions } from './issuer-keys.ts';
import { type People, rightsIn } from './people.ts';
import { EVERYBODY_ELSE, SUB } from './token-file.ts';

export interface OauthOptions extends IssuerKeysOptions {
  readonly audience: string;
  /** Budgets and admins by `sub`; undefined: there is no list. */
  readonly people: Pick<People, 'latest'> | undefined;
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

/** In a scope or a role of the token: its bearer sees everybody's tasks. */
const ADMIN = 'jimeng-video:admin';

export class OauthAccess implements Access {
  private readonly options: OauthOptions;
  private readonly keys: IssuerKeys;

  constructor(options: OauthOptions) {
    this.options = options;
    this.keys = new IssuerKeys(options);
  }

  async identify(bearer: string | undefined): Promise<Identified> {
    if (bearer === undefined) return NO_TOKEN;
    const { audience, clock, log } = this.options;
    const invalid = (message: string): Identified => ({ status: 401, error: 'invalid_token', message });
    // Not a JWT: no key has to be fetched to know that.
    if (bearer.split('.').length !== 3) return UNKNOWN_TOKEN;
    try {
      const { payload } = await jwtVerify(bearer, this.keys.keyOf, {
        ...{ issuer: this.keys.issuerNames, audience, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE_SECONDS },
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(clock.now()),
      });
      return await this.callerOf(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return invalid('This token has expired: sign in again.');
      if (error instanceof errors.JWTClaimValidationFailed) return invalid(this.sentenceOf(error.claim));
      if (isOfToken(error)) return invalid('This token is not valid: sign in again.');
      log.warn(KEYS_AWAY_EVENT, { reason: reasonOf(error) });
      return {
        status: 503,
        message: 'The keys of the authorization server cannot be fetched, so no token can be checked: try again later.',
      };
    }
  }

  private sentenceOf(claim: string): string {
    if (claim === 'aud') return `This token is for another server: its aud has to be ${this.options.audience}.`;
    if (claim !== 'iss') return `This token has no valid ${claim}: ask the operator of this server.`;
    return `This token is of another authorization server: its iss has to be ${this.keys.issuerNames[0]}.`;
  }

  /**
   * The same `sub` of two issuers is two people, and neither is the person of that name in the list: an entry with that
   * `sub` alone decides who it is.
   */
  private async callerOf({ iss = '', sub, ...claims }: JWTPayload): Promise<Identified> {
    // Anything else could make one person of two, or be no name that a record can hold.
    if (typeof sub !== 'string' || !SUB.test(sub)) {
      return { status: 401, error: 'invalid_token', message: this.sentenceOf('sub') };
    }
    const { people } = this.options;
    const list = people === undefined ? [] : await people.latest();
    if (list === undefined) return LIST_UNREADABLE;
    const entry = list.find((one) => one.sub === sub) ?? list.find((one) => one.sub === EVERYBODY_ELSE);
    const { isAdmin = isAdminBy(claims), ...rights } = entry === undefined ? {} : rightsIn(entry);
    return { kind: 'remote-agent', person: entry?.name ?? `${iss.replace(/\/$/, '')} ${sub}`, isAdmin, ...rights };
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
