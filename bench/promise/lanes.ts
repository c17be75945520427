/** Makes many trials in one sandbox, so many at a time: most of the time of each is waiting for a lease to run out. */
import { type Sandbox, startSandbox } from '../../test/support/sandbox.ts';
import { sandboxOptions } from './stage.ts';

/** @param each called after every trial @returns the outcomes, in the order in which they came */
export async function inLanes<Trial, Outcome>(
  trials: readonly Trial[],
  lanes: number,
  make: (trial: Trial, sandbox: Sandbox) => Promise<Outcome>,
  each: (outcome: Outcome) => void = () => undefined,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const left = [...trials];
  const sandbox = await startSandbox(sandboxOptions());
  const lane = async () => {
    for (let trial = left.shift(); trial !== undefined; trial = left.shift()) {
      const outcome = await make(trial, sandbox);
      outcomes.push(outcome);
      each(outcome);
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    await sandbox.close();
  }
  return outcomes;
}
