/** Uploads a file of the given size, and prints how far the process grew: upload.ts {address, keys, folder, bytes} */
import { open, readFile } from 'node:fs/promises';
import { systemClock } from '../../src/clock.ts';
import { S3Library } from '../../src/library/s3.ts';
import { readSettings } from '../../src/settings.ts';
import { createNetwork } from '../../src/system/network.ts';

const { address, keys, folder, bytes } = JSON.parse(process.argv[2] ?? '');
const { settings } = readSettings({
  environment: {
    JIMENG_VIDEO_STORAGE: address,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  },
  homeDir: folder,
  workingDir: folder,
  platform: process.platform,
});
const { storage } = settings;
if (storage === undefined) throw new Error('no address');
const network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
const library = new S3Library({
  ...{ address: storage, keys, stateDir: folder, homeDir: folder, network, clock: systemClock },
});
const place = await library.choose(undefined, { kind: 'terminal' });
const file = await library.staging(place, `upload-${bytes}`);
const piece = Buffer.alloc(1024 * 1024, 'video');
const handle = await open(file, 'w');
for (let written = 0; written < bytes; written += piece.length) await handle.write(piece);
await handle.close();
const before = await peakBytes();
const saved = await library.publish(file, place, `${bytes}.mp4`);
process.stdout.write(JSON.stringify({ saved: saved.bytes, grown: (await peakBytes()) - before }));
await network.close();

async function peakBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return peak === undefined ? process.resourceUsage().maxRSS * 1024 : Number(peak) * 1024;
}
