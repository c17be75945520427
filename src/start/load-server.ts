/** Where does the protocol's part come from? From the sources; the build puts load-kept-server.ts in the place of this. */
import type { serveStdio } from '../mcp/stdio-server.ts';

export interface LoadedServer {
  readonly serveStdio: typeof serveStdio;
  /** Keeps what the next start can use; never throws. */
  keep(): void;
}

export async function loadServer(): Promise<LoadedServer> {
  const { serveStdio } = await import('../mcp/stdio-server.ts');
  return { serveStdio, keep: () => undefined };
}
