import { expect, test } from 'vitest';
import { startThread } from '../../../src/system/thread.ts';

test('a thread that breaks while nobody waits for it does not end the process', async () => {
  const worker = startThread(new URL("data:text/javascript,throw new Error('broken')"), {});
  expect(await new Promise((resolve) => worker.once('exit', resolve))).toBe(1);
});
