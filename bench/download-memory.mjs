/** By how much does the server grow while it downloads a file far larger than any clip? */
import { megabytes, printTable, watchMemory } from './measure.mjs';
import { startSandbox, startServer } from './server-under-test.mjs';

const SIZES = [1e8, 1e9];
const MAX_GROWTH_BYTES = 40e6;

const sandbox = await startSandbox();
const rows = [];
try {
  for (const bytes of SIZES) {
    const server = await startServer(sandbox);
    try {
      await server.call('generate_video', { prompt: `used before ${bytes}` });
      // It has no index, so it is fetched, found not to be whole, and the true clip is fetched after it.
      sandbox.faults.add({ on: 'video', fault: { kind: 'huge', bytes } });
      const work = () => server.call('generate_video', { prompt: `${bytes} bytes`, wait_seconds: 300 });
      const { result, seconds, before, peak } = await watchMemory(server.pid, work);
      const growth = peak - before;
      const isRight = result.structuredContent.video?.path !== undefined && growth < MAX_GROWTH_BYTES;
      if (!isRight) process.exitCode = 1;
      rows.push([
        megabytes(bytes),
        seconds.toFixed(1),
        megabytes(before),
        megabytes(peak),
        megabytes(growth),
        isRight ? 'yes' : 'NO',
      ]);
    } finally {
      await server.close();
    }
  }
} finally {
  await sandbox.close();
}
printTable(['File (MB)', 'Time (s)', 'Before (MB)', 'Peak (MB)', 'Growth (MB)', 'Saved, and under 40 MB'], rows);
