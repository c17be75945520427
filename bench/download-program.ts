/** Fetches one link into a file for each line `URL PATH`, in a running process. */
import { createInterface } from 'node:readline';
import { systemClock } from '../src/clock.ts';
import { download } from '../src/media/download/download.ts';

async function serve(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const [url = '', partPath = ''] = line.split(' ');
    const startedAt = performance.now();
    const { bytes } = await download({
      url,
      freshUrl: async () => url,
      partPath,
      clock: systemClock,
      mayReachPrivate: true,
      signal: new AbortController().signal,
    });
    process.stdout.write(`${JSON.stringify({ bytes, seconds: (performance.now() - startedAt) / 1000 })}\n`);
  }
}

serve().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
