/** Is everything there to make a video? Looks at the settings, this computer, the network and the provider; sends nothing that costs. */
import type { Clock } from '../clock.ts';
import { createApi } from '../jimeng/api.ts';
import type { Log } from '../log.ts';
import { embeddedSandbox } from '../open-service.ts';
import { missingKeys, type ReadSettings, readSettings, type Surroundings } from '../settings.ts';
import { createNetwork, type Network } from '../system/network.ts';
import type { Check } from './doctor-check.ts';
import { checkCertificates, checkProxy } from './doctor-network.ts';
import { checkFfmpeg, checkFolders, checkNode } from './doctor-places.ts';
import { checkProvider, type Provider } from './doctor-provider.ts';
import { checkSettings } from './doctor-settings.ts';

export interface Finding {
  readonly sandbox: boolean;
  readonly isSettingWrong: boolean;
  readonly checks: readonly Check[];
}

export interface ExamineOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Before what may take seconds. */
  readonly onStep?: (doing: string) => void;
}

/** With one of these wrong, another provider would be asked, another way, or with other keys. */
const NEEDED_TO_ASK = /^(VOLC_|JIMENG_VIDEO_API_URL$|JIMENG_VIDEO_API_TIMEOUT$|https?_proxy$)/i;

/** Signs nothing that anybody takes: the answer tells whether the provider can be reached, and its time. */
const NO_KEYS = { accessKeyId: 'not-set', secretAccessKey: 'not-set' };

/** @throws the signal's reason when it is aborted */
export async function examine(from: Surroundings, options: ExamineOptions): Promise<Finding> {
  const { clock, signal, onStep = () => undefined } = options;
  const read = readSettings(from);
  const { settings, problems } = read;
  const checks = [checkNode(process.versions.node), ...checkSettings(read), ...(await checkFolders(settings))];
  onStep('looking for ffmpeg');
  checks.push(await checkFfmpeg(settings, clock, signal));
  const network = createNetwork(settings.proxy);
  try {
    checks.push(await checkCertificates(settings));
    onStep('asking the provider');
    const isAskable = !problems.some(({ name }) => NEEDED_TO_ASK.test(name));
    if (isAskable)
      checks.push(checkProxy(settings, network), ...(await askProvider(read, missingKeys(from), network, options)));
  } finally {
    await network.close();
  }
  return { sandbox: settings.api === 'sandbox', isSettingWrong: problems.length > 0, checks };
}

async function askProvider(
  { settings }: ReadSettings,
  missing: readonly string[],
  network: Network,
  { clock, log, signal }: ExamineOptions,
): Promise<Check[]> {
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
    const facts = { name: api.origin, missingKeys: missing, keysAre: 'taken by the provider' };
    return await check(api, credentials ?? NO_KEYS, facts);
  }
  const sandbox = await embeddedSandbox();
  try {
    const name = 'the embedded sandbox (it makes no real videos)';
    const facts = { name, missingKeys: [], keysAre: "the sandbox's own; none are needed" };
    return await check(await sandbox.url(), sandbox.credentials, facts);
  } finally {
    await sandbox.close();
  }
}
