// Starts run.ts: npm run storm [-- --tasks 100 …].
import { importBundled } from '../import-bundled.mjs';

await importBundled('bench/storm/run.ts');
