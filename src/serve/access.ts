/** Decides who sends a request: what every way of signing in answers. */
import type { RemoteCaller } from '../library/library.ts';

export interface Denied {
  readonly status: 401 | 403;
  /** For the sender; never repeats what was sent. */
  readonly message: string;
  /** Of `WWW-Authenticate`, as OAuth names it; absent where nothing was sent. */
  readonly error?: 'invalid_token' | 'insufficient_scope';
}

export type Identified = RemoteCaller | Denied;

export interface Access {
  /** @param bearer undefined: the request has none */
  identify(bearer: string | undefined): Promise<Identified>;
}

export function isDenied(identified: Identified): identified is Denied {
  return 'status' in identified;
}

/** Where only this computer can connect, and nobody has set who may: whoever connects is the one user. */
export const ONE_USER: Access = {
  identify: async () => ({ kind: 'remote-agent', person: 'local', isAdmin: true }),
};

/** @returns the token of `Authorization: Bearer …`; undefined where there is none */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization ?? '')?.[1];
}
