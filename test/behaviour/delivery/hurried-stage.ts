/** How is a tool called without waiting out the pauses between attempts? In this process, the service and the sandbox being the real ones. */
import { homedir } from 'node:os';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { createApi } from '../../../src/jimeng/api.ts';
import { DiskLibrary } from '../../../src/library/disk.ts';
import { silentLog } from '../../../src/log.ts';
import { runTool } from '../../../src/mcp/run-tool.ts';
import { TOOLS } from '../../../src/mcp/tools.ts';
import { findFfmpeg } from '../../../src/media/clip-ffmpeg.ts';
import type { ServiceHolder } from '../../../src/open-service.ts';
import type { Report } from '../../../src/report/report.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../support/sandbox.ts';
import { readSettings } from '../../../src/settings.ts';
import type { FileSystem } from '../../../src/system/files.ts';
import { createNetwork, type Network } from '../../../src/system/network.ts';
import { Changes } from '../../../src/tasks/changes.ts';
import type { TaskContext } from '../../../src/tasks/context.ts';
import { Journal } from '../../../src/tasks/journal.ts';
import { PastTimes } from '../../../src/tasks/past-times.ts';
import { ownIdentity } from '../../../src/tasks/process-identity.ts';
import { QueryBudget } from '../../../src/tasks/query-budget.ts';
import { accountOf } from '../../../src/tasks/scope.ts';
import { VideoService } from '../../../src/tasks/service.ts';
import { type Environment, makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const HURRY = 50;
const STALL_MILLISECONDS = 200;

/** Pauses are a fiftieth as long; the time that is told is the true one. */
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
  const context: TaskContext = {
    settings,
    api: createApi({
      endpoint: async () => new URL(sandbox.url),
      credentials: sandbox.credentials,
      apiTimeoutSeconds: settings.apiTimeoutSeconds,
      network,
      clock: systemClock,
      log: silentLog,
    }),
    apiIsPrivate: true,
    journal: new Journal(
      settings.stateDir,
      { origin: sandbox.url, account: accountOf(sandbox.credentials.accessKeyId) },
      silentLog,
    ),
    network: options.isImpatient ? impatient(network) : network,
    library: new DiskLibrary({ ...settings, clock: systemClock, ...(options.fs && { fs: options.fs }) }),
    ffmpeg: () => findFfmpeg(undefined, '', surroundings),
    clock: hurriedClock,
    log: silentLog,
    identity: ownIdentity(),
    changes: new Changes(),
    queryBudget: new QueryBudget(systemClock),
    pastTimes: new PastTimes(settings.stateDir, silentLog),
    ending: ending.signal,
  };
  const service = new VideoService(context, false);
  const holder: ServiceHolder = { settings, sandbox: false, service: async () => service, end: async () => undefined };
  return {
    sandbox,
    workspace,
    async call(name, given) {
      const { structured, text } = await callInProcess(holder, name, given);
      return { report: structured as Report, text };
    },
    async close() {
      ending.abort(new Error('the test is over'));
      await service.ended();
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
