/** How is a part of the program loaded when it is first needed, and what is told when it is no longer there? */
import { Problem } from './problems.ts';

/**
 * Loads a part that the first answers do not need.
 * @throws Problem program_replaced: an update or a new build put other parts in the place of those of this process
 */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (cause) {
    throw new Problem('program_replaced', { cause });
  }
}
