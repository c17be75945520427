/** Sends one submit and prints its outcome: `node submit.cjs URL TIMEOUT_SECONDS`. */
import { systemClock } from '../../src/clock.ts';
import { type ApiOptions, createApi } from '../../src/jimeng/api.ts';
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/sandbox.ts';
import { createNetwork } from '../../src/system/network.ts';

const [url = '', timeoutSeconds = ''] = process.argv.slice(2);
const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
const quiet = { debug() {}, info() {}, warn() {}, error() {} } as unknown as ApiOptions['log'];
const api = createApi({
  endpoint: async () => new URL(url),
  credentials: SANDBOX_CREDENTIALS,
  apiTimeoutSeconds: Number(timeoutSeconds),
  network,
  clock: systemClock,
  log: quiet,
});

async function main(): Promise<void> {
  await api.ready();
  const { kind } = await api.submit(Buffer.from('{"req_key":"jimeng_t2v_v30","prompt":"a"}'));
  process.stdout.write(`${kind}\n`);
  await network.close();
}

void main();
