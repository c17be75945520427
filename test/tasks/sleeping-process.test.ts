/** A process that was taken for dead while it slept (a paused container, a laptop) wakes: does it leave alone what is not its own any more? */
import { afterEach, expect, test } from 'vitest';
import { Problem } from '../../src/problems.ts';
import type { TaskContext } from '../../src/tasks/context.ts';
import type { TaskRecord } from '../../src/tasks/record.ts';
import { Sender } from '../../src/tasks/sender.ts';
import { noteNotSent, recordInterrupted, recordNotSent, sendOnce } from '../../src/tasks/submit.ts';
import { openWorld, type World } from './watch-world.ts';

const BODY = '{"req_key":"jimeng_t2v_v30","prompt":"a heron"}';

let world: World;
afterEach(() => world.close());

/** Taken for sending by this process, and not claimed yet. */
async function aboutToSend(): Promise<TaskRecord> {
  const { provider_task_id: _, submitted_at: __, ...record } = await world.submit('before');
  const taken: TaskRecord = { ...record, status: 'submitting', attempts: 1 };
  await world.context.journal.create(taken, Buffer.from(BODY));
  return taken;
}

const submits = () => world.sandbox.requests.filter(({ operation }) => operation === 'submit').length;

/** Where no connection is to be had. */
const unreachable = (context: TaskContext): TaskContext => ({
  ...context,
  api: {
    ...context.api,
    submit: async () => ({
      kind: 'not_sent',
      problem: new Problem('not_sent'),
      requestId: undefined,
      raw: undefined,
      sandbox: true,
    }),
  },
});

test('what another process has sent and finished meanwhile is not sent again, though its claims are gone', async () => {
  world = await openWorld();
  const taken = await aboutToSend();
  await world.context.journal.write({ ...taken, status: 'done', attempts: 2 });
  const before = submits();
  const sent = await sendOnce(world.context, taken, Buffer.from(BODY), () => undefined);
  expect(sent).toEqual({ kind: 'claimed_elsewhere' });
  expect(submits()).toBe(before);
  expect(await world.read(taken.id)).toMatchObject({ status: 'done', attempts: 2 });
});

test('what was told as unknown while it waited to try again is not sent after all', async () => {
  world = await openWorld();
  const taken = await aboutToSend();
  const sender = new Sender(unreachable(world.context), () => undefined);
  let slept = 0;
  world.clock.onSleep = async () => {
    if (++slept === 1) await recordInterrupted(world.context, await world.read(taken.id));
  };
  sender.send(taken, 60_000);
  await sender.answered();
  expect(slept).toBe(1);
  expect(await world.read(taken.id)).toMatchObject({ status: 'unknown', attempts: 1 });
});

test('what is taken for failed does not overwrite what another process made of it', async () => {
  world = await openWorld();
  const taken = await aboutToSend();
  await world.context.journal.write({ ...taken, status: 'in_queue', attempts: 2, provider_task_id: '1' });
  await recordNotSent(world.context, taken, new Problem('not_sent'));
  expect(await world.read(taken.id)).toMatchObject({ status: 'in_queue', provider_task_id: '1' });
});

test('while nothing could be sent the task says so, and a kill then leaves nothing in doubt', async () => {
  world = await openWorld();
  const taken = await aboutToSend();
  const { journal } = world.context;
  await journal.claim(taken.id, 1, 'claimed');
  await noteNotSent(world.context, taken, new Problem('not_sent'));
  expect(await journal.withdrawClaim(taken.id, 1)).toBe(true);
  const report = await world.report(taken.id);
  expect(report).toMatchObject({ status: 'submitting', error: { code: 'not_sent' } });
  expect(report.message).toBe('The provider could not be reached, so nothing was sent. It is tried again.');
});

test('what failed unsent has no body left that could be sent later', async () => {
  world = await openWorld();
  const taken = await aboutToSend();
  await recordNotSent(world.context, taken, new Problem('state_not_writable'));
  await expect(world.context.journal.body(taken.id)).rejects.toThrow('ENOENT');
});

test.each(['before', 'after'])(
  'what could not be noted as sent again does not stay so: %s its file is named',
  async (when) => {
    world = await openWorld();
    const taken = await aboutToSend();
    const { journal } = world.context;
    const write = journal.write.bind(journal);
    journal.write = async (record) => {
      const isAgain = record.attempts === 2 && record.status === 'submitting';
      if (!isAgain || when === 'after') await write(record);
      if (isAgain) throw journal.notWritable(new Error('EIO'));
    };
    const sender = new Sender(unreachable(world.context), () => undefined);
    sender.send(taken, 60_000);
    await sender.answered();
    expect(await world.read(taken.id)).toMatchObject({ status: 'failed', error: { code: 'state_not_writable' } });
  },
);
