/** Examines everything that a video needs, and states in one sentence whether videos can be made. Sends nothing that costs. */
import { embeddedSandbox } from '../app.ts';
import type { Clock } from '../clock.ts';
import { createApi } from '../jimeng/api.ts';
import type { Log } from '../log.ts';
import {
  problemsFor,
  type ReadSettings,
  readSettings,
  SETTINGS,
  type SettingField,
  type Surroundings,
  valueShown,
} from '../settings.ts';
import { createNetwork, type Network } from '../system/network.ts';
import {
  blocking,
  type Check,
  checkCertificates,
  checkFfmpeg,
  checkFolders,
  checkProxy,
  fine,
  toFix,
} from './doctor-computer.ts';
import { type Capability, checkProvider, type Provider, type ProviderFinding } from './doctor-provider.ts';
import { checkAccess, checkStorage, checkStore } from './doctor-shared.ts';

export interface ShownSetting {
  readonly name: string;
  /** Of a secret only whether it is set. */
  readonly value: string;
  /** `invalid`: a value is set that cannot be used, and the default applies. */
  readonly source: 'set' | 'default' | 'invalid';
}

export interface Finding {
  readonly sandbox: boolean;
  readonly isSettingWrong: boolean;
  /** Whether videos can be made: one sentence, or two. */
  readonly verdict: string;
  readonly capabilities: readonly Capability[];
  readonly checks: readonly Check[];
  readonly settings: readonly ShownSetting[];
}

export interface ExamineOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** A shared database that was replaced is accepted as it is now. */
  readonly acceptsStore?: boolean;
  /** Called before what may take seconds. */
  readonly onStep?: (doing: string) => void;
}

/** With one of these wrong, doctor would query another provider, another way, or with other keys. */
const NEEDED_TO_QUERY = /^(VOLC_|JIMENG_VIDEO_API_URL$|JIMENG_VIDEO_API_TIMEOUT$|https?_proxy$)/i;

/** A signature that is not accepted: the response still shows whether the provider can be reached, and its time. */
const NO_KEYS = { accessKeyId: 'not-set', secretAccessKey: 'not-set' };

/** @throws the signal's reason when it is aborted */
export async function examine(from: Surroundings, options: ExamineOptions): Promise<Finding> {
  const { clock, signal, onStep = () => undefined } = options;
  const read = readSettings(from);
  const { settings, problems } = read;
  const checks = [fine('Node.js', process.versions.node), ...checkSettings(read), ...(await checkFolders(read))];
  if (settings.store !== undefined) onStep('checking the shared database');
  checks.push(...(await checkStore(settings, { clock, log: options.log, isAccepted: options.acceptsStore === true })));
  onStep('looking for ffmpeg');
  checks.push(await checkFfmpeg(settings, clock, signal));
  const network = createNetwork(settings.proxy);
  let provider: ProviderFinding = { checks: [], capabilities: [], sandbox: settings.api === 'sandbox' };
  try {
    checks.push(await checkCertificates(settings));
    if (settings.storage !== undefined) onStep('checking the storage');
    checks.push(...(await checkStorage(settings, network, clock)));
    checks.push(...(await checkAccess(settings, { network, clock })));
    onStep('checking the provider');
    if (!problems.some(({ name }) => NEEDED_TO_QUERY.test(name))) {
      checks.push(checkProxy(settings, network));
      provider = await askProvider(read, network, options);
    }
  } finally {
    await network.close();
  }
  const all = [...checks, ...provider.checks];
  const { sandbox } = provider;
  return {
    sandbox,
    isSettingWrong: problems.length > 0,
    verdict: verdictOf(all, provider.capabilities, sandbox),
    capabilities: provider.capabilities,
    checks: all,
    settings: Object.entries(SETTINGS).map(([field, { name }]) => ({
      name,
      value: valueShown(field as SettingField, read),
      source: read.rejected.includes(name) ? 'invalid' : read.given.includes(name) ? 'set' : 'default',
    })),
  };
}

/** What is wrong with the settings, and what of them is ignored. */
function checkSettings(read: ReadSettings): Check[] {
  const stopping = problemsFor(read, 'paid');
  const wrong = read.problems.map((problem) => {
    const check = stopping.includes(problem) ? blocking : toFix;
    return check(problem.name, withoutName(problem), 'correct it, or remove it');
  });
  const noBudget =
    read.settings.dailyBudgetCny === 0
      ? [blocking(SETTINGS.dailyBudgetCny.name, 'is 0, so no video may be made.', 'raise it, or remove it')]
      : [];
  return [
    ...wrong,
    ...noBudget,
    ...read.notes.map((note): Check => ({ name: note.name, status: 'ignored', message: withoutName(note) })),
  ];
}

function withoutName({ name, message }: { readonly name: string; readonly message: string }): string {
  return message.startsWith(`${name} `) ? message.slice(name.length + 1) : message;
}

async function askProvider(
  { settings, missingKeys }: ReadSettings,
  network: Network,
  { clock, log, signal }: ExamineOptions,
): Promise<ProviderFinding> {
  const { api, apiTimeoutSeconds, credentials } = settings;
  const shared = { apiTimeoutSeconds, network, clock, log };
  const check = (url: URL, keys: typeof NO_KEYS, facts: Pick<Provider, 'name' | 'missingKeys' | 'keysAre'>) =>
    checkProvider({
      ...facts,
      api: createApi({ ...shared, endpoint: async () => url, credentials: keys }),
      clock,
      signal,
    });
  if (api !== 'sandbox') {
    return await check(api, credentials ?? NO_KEYS, {
      name: api.origin,
      missingKeys,
      keysAre: 'accepted by the provider',
    });
  }
  const sandbox = await embeddedSandbox(settings);
  try {
    const facts = { name: 'the embedded sandbox', missingKeys: [], keysAre: "the sandbox's own; none are needed" };
    return await check(await sandbox.url(), sandbox.credentials, facts);
  } finally {
    await sandbox.close();
  }
}

/** What stops every video, else what can be made and what cannot. */
function verdictOf(checks: readonly Check[], capabilities: readonly Capability[], sandbox: boolean): string {
  const blockers = checks.filter(({ isBlocking }) => isBlocking);
  const [blocker] = blockers;
  if (blocker !== undefined) {
    if (blockers.length > 1) return `No video can be made yet: ${blockers.length} things have to be fixed first.`;
    const isVariable = /^[A-Za-z_]+$/.test(blocker.name) && blocker.name === blocker.name.toUpperCase();
    return `No video can be made yet: ${isVariable ? `${blocker.name} ` : ''}${blocker.message}`;
  }
  const of = (verdict: Capability['verdict']) => capabilities.filter((capability) => capability.verdict === verdict);
  const [ready, closed, unknown] = [of('ready'), of('not_opened'), of('unknown')];
  if (sandbox && ready.length === capabilities.length) {
    return 'You can try everything in the sandbox. It makes no real videos, and nothing is charged.';
  }
  const parts = [
    ...(ready.length > 0 ? [`You can make ${listed(ready)} videos`] : ['No video can be made yet']),
    ...(closed.length > 0
      ? [`${listed(closed)} ${closed.length > 1 ? 'are' : 'is'} not opened yet: ${closed[0]?.hint}`]
      : []),
    ...(unknown.length > 0 ? [`${listed(unknown)} could not be checked`] : []),
  ];
  return `${parts.join('; ')}.`;
}

function listed(capabilities: readonly Capability[]): string {
  return capabilities
    .map(({ name }) => name)
    .join(', ')
    .replace(/, ([^,]+)$/, ' and $1');
}
