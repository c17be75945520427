/** Reports a failure of the store to a caller. */
import { Problem } from '../problems.ts';
import { StoreFailure } from '../store/engine.ts';

/** @throws Problem state_busy, state_not_writable where the store failed */
export async function orProblem<Value>(step: Promise<Value>): Promise<Value> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    const code = error.kind === 'busy' ? 'state_busy' : 'state_not_writable';
    throw new Problem(code, { what: `${error.message}, and nothing is sent before it is recorded.`, cause: error });
  }
}
