/** Memory does not grow with a file that is far larger than any clip. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStage } from '../../support/mcp-client.ts';
import { holdsOnly } from './delivered-files.ts';

const FILE_BYTES = 400e6;
/** What waits for the disk is bounded by 64 MB, and copied once; a body held in memory would be seen on any machine. */
const MAX_GROWTH_BYTES = 200e6;
const needsProc = process.platform === 'linux' ? '' : ' [skipped: there is no /proc here]';

function statusBytes(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}

it.skipIf(needsProc !== '')(`400 MB grow the server by less than 200 MB${needsProc}`, async () => {
  const stage = await openStage();
  try {
    await stage.call('generate_video', { prompt: 'used before', output: 'before/', wait_seconds: 50 });
    // Without an index: the file is fetched, found incomplete, and the real clip is fetched after it.
    stage.sandbox.faults.add({ on: 'video', fault: { kind: 'huge', bytes: FILE_BYTES } });
    const before = statusBytes(stage.pid, 'VmRSS');
    // 5 sets the peak back to what is there now.
    writeFileSync(`/proc/${stage.pid}/clear_refs`, '5');
    const { report } = await stage.call('generate_video', { prompt: 'huge', output: 'huge/', wait_seconds: 60 });
    expect(report.error).toBeUndefined();
    expect(await holdsOnly(join(stage.workspace.outputDir, 'huge'), '1248x704-121')).toBe(true);
    expect(stage.sandbox.faults.pending).toEqual([]);
    const grown = statusBytes(stage.pid, 'VmHWM') - before;
    expect(grown).toBeLessThan(MAX_GROWTH_BYTES);
  } finally {
    await stage.close();
  }
});
