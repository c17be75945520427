/** The people of the tokens file as it is now, and who sends one of its tokens: a removed token ends at the next request. */
import { timingSafeEqual } from 'node:crypto';
import type { RemoteCaller } from '../library/library.ts';
import type { Log } from '../log.ts';
import { type Access, LIST_UNREADABLE, NO_TOKEN, UNKNOWN_TOKEN } from './access.ts';
import { type Entry, hashOf, readTokenFile, stateOf } from './token-file.ts';

export interface PersonRights extends Pick<RemoteCaller, 'budgetFen'> {
  readonly isAdmin: boolean | undefined;
}

interface Known {
  readonly state: string | undefined;
  /** Undefined: the file cannot be used. */
  readonly people: readonly Entry[] | undefined;
}

/** Read again when it changes. */
export class People {
  private readonly path: string;
  private readonly log: Log;
  private known: Known | undefined;
  private reading: { readonly state: string | undefined; readonly known: Promise<Known> } | undefined;

  constructor(path: string, log: Log) {
    this.path = path;
    this.log = log;
  }

  /**
   * @param takesSignIns whether an authorization server is set
   * @throws Problem invalid_settings where the file cannot be used: at the start, that ends the server
   */
  async check(takesSignIns: boolean): Promise<void> {
    const entries = await readTokenFile(this.path);
    const signIns = entries.filter(({ sub }) => sub !== undefined).length;
    if (signIns > 0 && !takesSignIns) {
      this.log.warn('JIMENG_VIDEO_OAUTH_ISSUER is not set: what the list of tokens says of a `sub` has no effect');
    }
    if (entries.every(({ sha256 }) => sha256 === undefined) && !takesSignIns) {
      this.log.warn('the list of tokens has no token: nobody can use the server with one');
    }
  }

  /** @returns undefined where the file cannot be read: it may be one from which somebody was just removed */
  async latest(): Promise<readonly Entry[] | undefined> {
    const state = await stateOf(this.path);
    if (this.known !== undefined && this.known.state === state) return this.known.people;
    // One that was begun before the file changed may still hold who was removed.
    if (this.reading === undefined || this.reading.state !== state) this.reading = { state, known: this.read(state) };
    const { reading } = this;
    const { people } = await reading.known;
    if (this.reading === reading) this.reading = undefined;
    return people;
  }

  private async read(state: string | undefined): Promise<Known> {
    let people: Known['people'];
    try {
      people = await readTokenFile(this.path);
    } catch (error) {
      this.log.error('the list of tokens cannot be used', {
        reason: error instanceof Error ? error.message : 'failed',
      });
    }
    // Changed while it was read: read again at the next request.
    const known = { state, people };
    this.known = (await stateOf(this.path)) === state ? known : undefined;
    return known;
  }
}

/** What the file says of a person. */
export function rightsIn({ admin, daily_budget_cny: budget }: Entry): PersonRights {
  return { isAdmin: admin, ...(budget === undefined ? {} : { budgetFen: Math.round(budget * 100) }) };
}

/** Who sends a token of the file. */
export function tokenAccess(people: Pick<People, 'latest'>): Access {
  return {
    async identify(bearer) {
      if (bearer === undefined) return NO_TOKEN;
      const entries = await people.latest();
      if (entries === undefined) return LIST_UNREADABLE;
      const given = hashOf(bearer);
      // All of them are compared, so that the time says nothing.
      const [entry] = entries.filter(({ sha256 }) => {
        return sha256 !== undefined && timingSafeEqual(Buffer.from(sha256, 'hex'), given);
      });
      if (entry?.name === undefined) return UNKNOWN_TOKEN;
      const { isAdmin = false, ...rights } = rightsIn(entry);
      return { kind: 'remote-agent', person: entry.name, isAdmin, ...rights };
    },
  };
}
