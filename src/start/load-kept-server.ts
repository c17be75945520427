/** Where does the built program have the protocol's part from? From server.js beside it, compiled when it was last used. */
import { fileURLToPath } from 'node:url';
import { surroundings } from '../settings.ts';
import { cacheFolder } from '../user-folders.ts';
import { runScript } from './kept-script.ts';
import type { LoadedServer } from './load-server.ts';

export async function loadServer(): Promise<LoadedServer> {
  const file = fileURLToPath(new URL('./server.js', import.meta.url));
  const { exports, keep } = runScript<Pick<LoadedServer, 'serveStdio'>>(file, cacheFolder(surroundings()));
  return { serveStdio: exports.serveStdio, keep };
}
