/** Whose records a caller makes, and whose it sees. Everywhere else a person is a name, or undefined. */
import type { Caller } from '../library/library.ts';

/** @returns whose the caller's records are; undefined: nobody's, they belong to the account */
export function personOf(caller: Caller): string | undefined {
  return caller.kind === 'remote-agent' ? named(caller.person) : undefined;
}

/**
 * What a caller may see: of anything else it is answered as if that did not exist.
 * @returns the person whose records are seen; undefined: all records of the account
 */
export function seenBy(caller: Caller): string | undefined {
  return caller.kind === 'remote-agent' && !caller.isAdmin ? named(caller.person) : undefined;
}

/** @returns whose a record is, for an admin; nothing for anybody else, for an admin's own, and for the account's */
export function ownerShownTo(caller: Caller, { person }: { readonly person?: string }): { readonly person?: string } {
  if (caller.kind !== 'remote-agent' || !caller.isAdmin) return {};
  return person === undefined || person === caller.person ? {} : { person };
}

/** @returns the daily budget of whoever pays, beside the account's; undefined: there is none */
export function budgetOf(caller: Caller): number | undefined {
  return caller.kind === 'remote-agent' ? caller.budgetFen : undefined;
}

/** What is wrong with the database names its place, which is for whoever sees all records. */
export function warningFor(caller: Caller, warning: string | undefined): string | undefined {
  if (warning === undefined || seenBy(caller) === undefined) return warning;
  return 'The server’s database was replaced or damaged, so records may be missing: ask the operator of this server.';
}

/** Without a name a person would be taken for the account. */
function named(person: string): string {
  if (person === '') throw new RangeError('a person without a name');
  return person;
}
