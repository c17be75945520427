/** What did one look find: is it all right, or what is to be mended, and how? */
import type { Problem } from '../problems.ts';

export interface Check {
  /** A setting's own name, or what was looked at. */
  readonly name: string;
  readonly status: 'ok' | 'mend';
  /** What was found. Never a secret. */
  readonly message: string;
  /** An imperative without a full stop; only with `mend`. */
  readonly mend?: string;
}

export function fine(name: string, message: string): Check {
  return { name, status: 'ok', message };
}

export function toMend(name: string, message: string, mend: string): Check {
  return { name, status: 'mend', message, mend };
}

export function toMendBy(name: string, { message, mend }: Problem): Check {
  return toMend(name, message, mend);
}
