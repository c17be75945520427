import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/clients/**', 'node_modules/**'],
    // Most tests wait for a child process or a disk: more of them at once than there are cores.
    maxWorkers: 4,
    // Nothing takes so long; a machine that is busy with something else is slow, not wrong.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
