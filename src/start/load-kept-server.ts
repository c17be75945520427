/** Where does the built program have the protocol's part from? From server.js beside it, compiled when it was last used. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../settings/user-folders.ts';
import { surroundings } from '../settings.ts';
import { runScript } from './kept-script.ts';
import type { LoadedServer } from './load-server.ts';

export async function loadServer(): Promise<LoadedServer> {
  const file = fileURLToPath(new URL('./server.js', import.meta.url));
  const { exports, keep } = runScript<Pick<LoadedServer, 'serveStdio'>>(
    file,
    cacheFolder(surroundings()) ?? dirname(file),
  );
  return { serveStdio: exports.serveStdio, keep };
}
