/** A sandbox, an MCP client and a gallery that belong together, and a browser to look at it. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { openPage, type WatchedPage } from './gallery-browser.ts';
import { connect, type Session } from './mcp-client.ts';
import { type RunningCommand, startCommand } from './run-command.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

export interface RunningGallery extends RunningCommand {
  /** `http://127.0.0.1:PORT/open/…` */
  readonly link: string;
  readonly origin: string;
}

export interface GalleryStage {
  readonly workspace: Workspace;
  readonly sandbox: Sandbox;
  readonly gallery: RunningGallery;
  /** A client of the MCP server, in a process of its own. */
  connect(): Promise<Session>;
  startGallery(...options: string[]): Promise<RunningGallery>;
  /** The gallery in a browser. @param search of its address */
  look(browser: Browser, options?: BrowserContextOptions, search?: string): Promise<WatchedPage>;
  close(): Promise<void>;
}

export async function openGalleryStage(
  options: SandboxOptions = {},
  settings: Readonly<Record<string, string>> = {},
  galleryOptions: readonly string[] = [],
): Promise<GalleryStage> {
  const sandbox = await startSandbox({
    generationSeconds: 0.2,
    tasksInFlight: 1000,
    requestsPerSecond: 100_000,
    asProvider: true,
    ...options,
  });
  const workspace = makeWorkspace(sandbox, { LOG_LEVEL: 'warn', JIMENG_VIDEO_CONCURRENCY: '50', ...settings });
  const ends: (() => Promise<unknown>)[] = [];
  const startGallery = async (...given: string[]): Promise<RunningGallery> => {
    const running = startCommand(['gallery', '--no-open', ...given], workspace);
    ends.push(async () => {
      running.child.kill('SIGINT');
      await running.result;
    });
    const [link] = await running.seen('stdout', /^http:\S+$/m);
    return { ...running, link, origin: new URL(link).origin };
  };
  const gallery = await startGallery(...galleryOptions);
  return {
    ...{ workspace, sandbox, gallery, startGallery },
    async connect() {
      const session = await connect(workspace.env, workspace.workingDir);
      ends.push(() => session.close());
      return session;
    },
    async look(browser, contextOptions, search = '') {
      const watched = await openPage(browser, contextOptions);
      ends.push(() => watched.close());
      await watched.page.goto(gallery.link);
      await watched.page.waitForURL(`${gallery.origin}/`);
      if (search !== '') await watched.page.goto(`${gallery.origin}/${search}`);
      await watched.page.waitForSelector('header h1');
      return watched;
    },
    async close() {
      for (const end of ends.reverse()) await end().catch(() => undefined);
      await sandbox.close();
      await workspace.remove();
    },
  };
}
