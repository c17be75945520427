/** Notifies an open page of changes with server-sent events, which carry no data. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { pause } from '../system/wait.ts';
import { HEADERS } from './respond.ts';

/** Several records may change together: the page then reads once. */
const GATHER_MILLISECONDS = 150;
/** Writing to a broken connection detects that it is broken. */
const HEARTBEAT_MILLISECONDS = 15_000;

interface Source {
  readonly changed: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** Aborted when the gallery ends. */
  readonly ending: AbortSignal;
}

/** Resolves when the page is gone or the gallery ends. */
export async function sendChanges(
  request: IncomingMessage,
  response: ServerResponse,
  { changed, clock, ending }: Source,
): Promise<void> {
  const over = new AbortController();
  const end = () => over.abort();
  request.once('close', end);
  response.once('close', end);
  ending.addEventListener('abort', end);
  response.writeHead(200, { ...HEADERS, 'cache-control': 'no-store', 'content-type': 'text/event-stream' });
  try {
    while (!over.signal.aborted && !ending.aborted) {
      // Watch before notifying the page, so that no change is missed while it reads.
      let isChanged = false;
      const watching = new AbortController();
      const change = changed(watching.signal).then(() => {
        isChanged = true;
      });
      response.write('event: changed\ndata:\n\n');
      while (!isChanged && !over.signal.aborted) {
        await pause(clock, { atMost: HEARTBEAT_MILLISECONDS, signals: [over.signal], until: () => change });
        if (!isChanged && !over.signal.aborted) response.write(':\n\n');
      }
      watching.abort();
      if (!over.signal.aborted) await pause(clock, { atMost: GATHER_MILLISECONDS, signals: [over.signal] });
    }
  } finally {
    ending.removeEventListener('abort', end);
    response.end();
  }
}
