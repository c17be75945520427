/** Which random inputs does a run try? The same in each, so that red is red again; `npm run fuzz` tries others each time. */
import fc from 'fast-check';

if (process.env.FUZZ_RUNS === undefined) fc.configureGlobal({ seed: 20_261_127 });
