/** Does a service that is open see what its user mended meanwhile, without a restart? */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../src/log.ts';
import { holdService } from '../src/open-service.ts';
import { readSettings } from '../src/settings.ts';

test.skipIf(process.platform === 'win32')(
  'an ffmpeg that is installed after a call missed it is found by the next call',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'open-service-'));
    const ffmpeg = join(folder, 'ffmpeg');
    const environment = {
      JIMENG_VIDEO_API_URL: 'sandbox',
      JIMENG_VIDEO_STATE_DIR: folder,
      JIMENG_VIDEO_FFMPEG: ffmpeg,
    };
    const read = readSettings({ environment, homeDir: folder, workingDir: folder, platform: process.platform });
    const holder = holdService(read, silentLog);
    onTestFinished(async () => {
      await holder.end(0);
      rmSync(folder, { recursive: true });
    });
    writeFileSync(`${ffmpeg}-to-be`, '#!/bin/sh\necho ffmpeg version 7.1\n', { mode: 0o755 });
    const { context } = await holder.service('paid');
    await expect(context.ffmpeg()).rejects.toMatchObject({ code: 'ffmpeg_missing' });
    renameSync(`${ffmpeg}-to-be`, ffmpeg);
    expect(await context.ffmpeg()).toMatchObject({ path: ffmpeg, version: '7.1' });
  },
);
