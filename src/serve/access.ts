/** Who sends a request: what tokens and OAuth each answer. */
import type { RemoteCaller } from '../library/library.ts';

export interface Denied {
  /** 503: it cannot be known now. */
  readonly status: 401 | 403 | 503;
  /** For the sender; never repeats what was sent. */
  readonly message: string;
  /** Of `WWW-Authenticate`, as OAuth names it; absent where nothing was sent. */
  readonly error?: 'invalid_token' | 'insufficient_scope';
}

export type Identified = RemoteCaller | Denied;

export const NO_TOKEN: Denied = {
  status: 401,
  message: 'A token is needed: send the header Authorization: Bearer TOKEN.',
};

export const UNKNOWN_TOKEN: Denied = {
  status: 401,
  error: 'invalid_token',
  message: 'This token is not known, or no longer: ask the operator of this server for another one.',
};

export interface Access {
  /** @param bearer undefined: the request has none */
  identify(bearer: string | undefined): Promise<Identified>;
}

export function isDenied(identified: Identified): identified is Denied {
  return 'status' in identified;
}

/** Also for people who sign in: what they may do stands in the list. */
export const LIST_UNREADABLE: Denied = {
  status: 503,
  message: 'The list of tokens cannot be read: the operator of this server has to correct it.',
};

/** The log's event, which the metrics count. */
export const KEYS_AWAY_EVENT = 'the keys of the authorization server cannot be fetched';

/** Where only this computer can connect, and nobody has set who may: whoever connects is the one user. */
export const ONE_USER: Access = {
  identify: async () => ({ kind: 'remote-agent', person: 'local', isAdmin: true }),
};

/** The first that knows the token decides. */
export function anyOf(ways: readonly Access[]): Access {
  return {
    async identify(bearer) {
      let denied = NO_TOKEN;
      for (const way of ways) {
        const identified = await way.identify(bearer);
        if (!isDenied(identified)) return identified;
        // "Not known now" of one is more than "not known" of another.
        if (denied.status !== 503) denied = identified;
      }
      return denied;
    },
  };
}

/** @returns the token of `Authorization: Bearer …`; undefined where there is none */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization ?? '')?.[1];
}
