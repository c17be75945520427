/** Seeds random inputs: the same in each run, so that failures are repeatable; `npm run fuzz` uses new ones each time. */
import fc from 'fast-check';

if (process.env.FUZZ_RUNS === undefined) fc.configureGlobal({ seed: 20_261_127 });
