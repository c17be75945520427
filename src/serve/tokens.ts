/** Tokens of the file: who sends one of them. */
import { timingSafeEqual } from 'node:crypto';
import { type Access, type Identified, LIST_UNREADABLE, NO_TOKEN, UNKNOWN_TOKEN } from './access.ts';
import { type People, rightsIn } from './people.ts';
import { hashOf } from './token-file.ts';

export class TokenAccess implements Access {
  private readonly people: Pick<People, 'latest'>;

  constructor(people: Pick<People, 'latest'>) {
    this.people = people;
  }

  async identify(bearer: string | undefined): Promise<Identified> {
    if (bearer === undefined) return NO_TOKEN;
    const people = await this.people.latest();
    if (people === undefined) return LIST_UNREADABLE;
    const given = hashOf(bearer);
    const isGiven = (hash: string | undefined) =>
      hash !== undefined && timingSafeEqual(Buffer.from(hash, 'hex'), given);
    // All of them are compared, so that the time says nothing.
    const [entry] = people.filter(({ sha256 }) => isGiven(sha256));
    if (entry?.name === undefined) return UNKNOWN_TOKEN;
    const { isAdmin = false, ...rights } = rightsIn(entry);
    return { kind: 'remote-agent', person: entry.name, isAdmin, ...rights };
  }
}
