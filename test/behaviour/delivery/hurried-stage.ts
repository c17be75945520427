/** Calls tools in this process, on the real service and sandbox, without waiting out the pauses between attempts. */
import { homedir } from 'node:os';
import type { App } from '../../../src/app.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { compose } from '../../../src/compose.ts';
import { silentLog } from '../../../src/log.ts';
import { findFfmpeg } from '../../../src/media/clip/ffmpeg.ts';
import type { Report } from '../../../src/report/report.ts';
import { readSettings } from '../../../src/settings.ts';
import type { FileSystem } from '../../../src/system/files.ts';
import { createNetwork, type Network } from '../../../src/system/network.ts';
import { callInProcess } from '../../support/call-tool.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../support/sandbox.ts';
import { type Environment, makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const HURRY = 50;
const STALL_MILLISECONDS = 200;

/** Pauses are a fiftieth as long; the time of day is the true one. */
const hurriedClock: Clock = {
  ...systemClock,
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / HURRY, signal),
};

export interface HurriedOptions {
  readonly sandbox?: SandboxOptions;
  readonly settings?: Environment;
  /** Downloads go through a connection that gives up after 0.2 s of silence instead of 30. */
  readonly isImpatient?: boolean;
  /** What the library keeps files in. */
  readonly fs?: FileSystem;
}

export interface HurriedStage {
  readonly sandbox: Sandbox;
  readonly workspace: Workspace;
  call(tool: string, given: Readonly<Record<string, unknown>>): Promise<{ report: Report; text: string }>;
  close(): Promise<void>;
}

/** There is no ffmpeg: it is looked for in no folder at all. */
export async function openHurriedStage(options: HurriedOptions = {}): Promise<HurriedStage> {
  const sandbox = await startSandbox({ generationSeconds: 0.1, requestsPerSecond: 100_000, ...options.sandbox });
  const workspace = await makeWorkspace();
  const { settings } = readSettings({
    environment: { ...workspace.environment(sandbox.url), JIMENG_VIDEO_POLL_INTERVAL: '1', ...options.settings },
    homeDir: homedir(),
    workingDir: workspace.folder,
    platform: process.platform,
  });
  const network = createNetwork(settings.proxy);
  const ending = new AbortController();
  const surroundings = { clock: systemClock, environment: {}, usualFolders: [] };
  const { service, films, clips, store, library } = compose({
    settings,
    endpoint: { credentials: settings.credentials, isPrivate: true, url: async () => new URL(sandbox.url) },
    scope: 'hurried stage',
    network: options.isImpatient ? impatient(network) : network,
    ffmpeg: () => findFfmpeg(undefined, '', surroundings),
    clock: hurriedClock,
    storeClock: systemClock,
    ...(options.fs && { fs: options.fs }),
    log: silentLog,
    ending: ending.signal,
  });
  const app: App = {
    ...{ settings, sandbox: false, whyNotPolled: undefined, whyNotPaid: undefined, isAccountKnown: true },
    films: async () => films,
    library: async () => library,
    clips: async () => clips,
    service: async () => service,
    end: async () => undefined,
  };
  return {
    sandbox,
    workspace,
    async call(name, given) {
      const { structured, text } = await callInProcess(app, name, given);
      return { report: structured as Report, text };
    },
    async close() {
      ending.abort(new Error('the test is over'));
      await service.ended();
      await store.close();
      await network.close();
      await sandbox.close();
      await workspace.remove();
    },
  };
}

/** As a proxy's connection would be handed on, but with limits of its own. */
function impatient(network: Network): Network {
  const limits = { headersTimeout: STALL_MILLISECONDS, bodyTimeout: STALL_MILLISECONDS };
  return {
    ...network,
    async throughProxy(url) {
      const patient = await network.shared(url);
      return patient.compose((dispatch) => (asked, handler) => dispatch({ ...asked, ...limits }, handler));
    },
  };
}
