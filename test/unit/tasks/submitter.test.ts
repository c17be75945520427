/** Is everything that is queued sent, whatever happens to the disk on the way? */
import { afterEach, expect, it } from 'vitest';
import { type Engine, StoreFailure } from '../../../src/store/engine.ts';
import { openWorld, type World } from '../../support/world.ts';

let world: World;
afterEach(() => world.close());

async function until(isReached: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isReached())) await new Promise((resolve) => setTimeout(resolve, 2));
}

it('sends again what went back to the queue while the disk was full', async () => {
  world = await openWorld();
  const { engine } = world.store as unknown as { readonly engine: Engine };
  const { transaction } = engine;
  const fill = () => {
    engine.transaction = async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      throw new StoreFailure('unavailable', 'the disk is full');
    };
    return true;
  };
  // From when the request has arrived on, before it is answered.
  world.sandbox.faults.add({ on: 'submit', fault: { kind: 'business', code: 50430 }, when: fill });
  const { id } = await world.reserve();
  world.submitter.pump('jimeng_t2v_v30');
  await until(() => world.store.isUnwritten(id));
  engine.transaction = transaction;
  await until(() => !world.store.isUnwritten(id));
  await expect.poll(() => world.submits()).toBe(2);
});

it('has no claim without an outcome when it ends', async () => {
  world = await openWorld();
  const { engine } = world.store as unknown as { readonly engine: Engine };
  const { id } = await world.reserve();
  const gate = Promise.withResolvers<void>();
  await world.api.ready();
  void engine.transaction(() => gate.promise);
  world.submitter.pump('jimeng_t2v_v30');
  await new Promise((resolve) => setTimeout(resolve, 20));
  world.stop();
  const answered = world.submitter.answered();
  gate.resolve();
  await answered;
  expect(await world.read(id)).toMatchObject({ status: 'queued' });
});
