/** Starts the built program as `serve`, calls its tools, and reads what it costs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { residentBytes } from './measure.mjs';
import { delaysOf, probeEnvironment } from './open-tasks.mjs';
import { importSource } from './server-under-test.mjs';

const { startHttp } = await importSource('test/support/http-server.ts');

/** @param name of its probe's file; several servers may share a folder */
export async function startServe({ JIMENG_VIDEO_POLL_INTERVAL: _, ...environment }, name = 'probe') {
  const probeFile = join(environment.HOME, name);
  const { child, post, stop } = await startHttp({ ...environment, ...probeEnvironment(probeFile) });
  return {
    stop,
    async call(name, given) {
      const { body } = await post({ id: 1, method: 'tools/call', params: { name, arguments: given } });
      return body.result.structuredContent;
    },
    delays: () => delaysOf(child.pid, probeFile),
    resident: () => residentBytes(child.pid),
    /** Milliseconds of processor time since the start. */
    async cpu() {
      const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
  };
}
