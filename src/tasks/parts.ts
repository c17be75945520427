/** What the parts of the task service are made of; each names those that it uses. */
import type { Clock } from '../clock.ts';
import type { Library } from '../library/library.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';

export interface ServiceParts {
  readonly store: Store;
  readonly library: Library;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the process is about to end: nothing new is sent. */
  readonly ending: AbortSignal;
}
