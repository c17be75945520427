/** Measures the event-loop delay of a server under test. Loaded with --import; on SIGUSR2 it writes the figures and starts again. */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();
process.on('SIGUSR2', () => {
  const figures = { p50: delays.percentile(50) / 1e6, p99: delays.percentile(99) / 1e6, max: delays.max / 1e6 };
  delays.reset();
  writeFileSync(process.env.BENCH_EVENT_LOOP_FILE, JSON.stringify(figures));
});
