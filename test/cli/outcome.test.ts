/** Is a submit whose process is over told as what it is, whatever its record still says? */
import { describe, expect, it, type TestContext } from 'vitest';
import { tellAtEnd } from '../../src/cli/outcome.ts';
import { silentLog } from '../../src/log.ts';
import { holdService } from '../../src/open-service.ts';
import { readSettings } from '../../src/settings.ts';
import { identityOf, ownIdentity, type ProcessIdentity } from '../../src/tasks/process-identity.ts';
import { makeWorkspace } from '../support/workspace.ts';
import { sampleRecord } from '../tasks/sample-record.ts';

/** Of a record that says `submitting`. */
async function toldOf(owner: ProcessIdentity, { onTestFinished }: TestContext) {
  const workspace = makeWorkspace(undefined, { JIMENG_VIDEO_API_URL: 'sandbox' });
  const { env: environment, folder: homeDir, workingDir } = workspace;
  const read = readSettings({ environment, homeDir, workingDir, platform: process.platform });
  const holder = holdService(read, silentLog);
  onTestFinished(async () => {
    await holder.end(0);
    await workspace.remove();
  });
  const record = sampleRecord({ status: 'submitting', sent_at: new Date().toISOString(), owner });
  return await tellAtEnd(await holder.service('query'), record);
}

describe('a request whose answer is awaited', () => {
  it.for<[string, ProcessIdentity]>([
    ['this process, which is about to end', ownIdentity()],
    ['a process that is gone', { ...ownIdentity(), started: 'before' }],
  ])('by %s, is told as unknown: it may have been charged, and is not sent again', async ([, owner], context) => {
    const { json, text, exitCode } = await toldOf(owner, context);
    expect(json).toMatchObject({ status: 'unknown', error: { code: 'interrupted' }, cost: { charge: 'possible' } });
    expect(text).toContain('it may have been charged, and it is not sent again');
    expect(text).toContain('The process ended while the answer to the submit was awaited.');
    expect(exitCode).toBe(1);
  });

  it('by another process that lives, is told as being sent', async (context) => {
    const { json, exitCode } = await toldOf(identityOf(process.ppid), context);
    expect(json).toMatchObject({ status: 'submitting', cost: { charge: 'possible' } });
    expect(exitCode).toBe(3);
  });
});
