import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/clients/**', 'node_modules/**'],
    // One module graph a worker, read once instead of once a file: the sources hold no state that one test could leave
    // to the next. Threads, because they start and talk cheaper than processes. Together 25 % of the suite's CPU time.
    setupFiles: ['test/support/random.ts'],
    pool: 'threads',
    isolate: false,
    // Most tests wait for a child process or a disk: more of them at once than there are cores.
    maxWorkers: 6,
    // Nothing takes so long; a machine that is busy with something else is slow, not wrong.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
