// Proves the promise with real processes that are really killed, and prints the figures: npm run promise [-- TIMES].
import { importBundled, root } from '../import-bundled.mjs';

const { exports, folder } = await importBundled('bench/promise/run.ts');
process.exitCode = await exports.run(root, folder, process.argv.slice(2));
