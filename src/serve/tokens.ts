/** Tokens of the file: who sends one of them. The file is read again when it changes, so that a removed token ends at the next request. */
import { timingSafeEqual } from 'node:crypto';
import type { RemoteCaller } from '../library/library.ts';
import type { Log } from '../log.ts';
import { type Access, type Identified, NO_TOKEN, UNKNOWN_TOKEN } from './access.ts';
import { type Entry, hashOf, readTokenFile, stateOf } from './token-file.ts';

interface Known {
  readonly state: string | undefined;
  /** Undefined: the file cannot be used. */
  readonly people: readonly { readonly hash: Buffer; readonly caller: RemoteCaller }[] | undefined;
}

export class TokenAccess implements Access {
  private readonly path: string;
  private readonly log: Log;
  private known: Known | undefined;
  private reading: { readonly state: string | undefined; readonly known: Promise<Known> } | undefined;

  constructor(path: string, log: Log) {
    this.path = path;
    this.log = log;
  }

  /** @throws Problem invalid_settings where the file cannot be used: at the start, that ends the server */
  async check(): Promise<void> {
    const entries = await readTokenFile(this.path);
    if (entries.length === 0) this.log.warn('the list of tokens is empty: nobody can use the server with one');
  }

  async identify(bearer: string | undefined): Promise<Identified> {
    if (bearer === undefined) return NO_TOKEN;
    const { people } = await this.latest();
    // An unreadable file may be one from which somebody was just removed.
    if (people === undefined) {
      return {
        status: 503,
        message: 'The list of tokens cannot be read: the operator of this server has to correct it.',
      };
    }
    const given = hashOf(bearer);
    // All of them are compared, so that the time says nothing.
    const found = people.filter(({ hash }) => timingSafeEqual(hash, given));
    return found[0]?.caller ?? UNKNOWN_TOKEN;
  }

  private async latest(): Promise<Known> {
    const state = await stateOf(this.path);
    if (this.known !== undefined && this.known.state === state) return this.known;
    // One that was begun before the file changed may still hold who was removed.
    if (this.reading === undefined || this.reading.state !== state) this.reading = { state, known: this.read(state) };
    const { reading } = this;
    const known = await reading.known;
    if (this.reading === reading) this.reading = undefined;
    return known;
  }

  private async read(state: string | undefined): Promise<Known> {
    let people: Known['people'];
    try {
      people = (await readTokenFile(this.path)).map((entry) => ({
        hash: Buffer.from(entry.sha256, 'hex'),
        caller: callerOf(entry),
      }));
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

function callerOf({ name, admin = false, daily_budget_cny: budget }: Entry): RemoteCaller {
  return {
    ...{ kind: 'remote-agent', person: name, isAdmin: admin },
    ...(budget === undefined ? {} : { budgetFen: Math.round(budget * 100) }),
  };
}
