/** How long does the event loop of a server under test stand still? Loaded before it with --import; tells on SIGUSR2, and begins anew. */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();
process.on('SIGUSR2', () => {
  const told = { p50: delays.percentile(50) / 1e6, p99: delays.percentile(99) / 1e6, max: delays.max / 1e6 };
  delays.reset();
  writeFileSync(process.env.BENCH_EVENT_LOOP_FILE, JSON.stringify(told));
});
