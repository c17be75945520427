/** Loads a part of the program on first use. */
import { Problem } from './problems.ts';

/** @throws Problem program_replaced: an update or a new build replaced the files that this process would load */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (cause) {
    throw new Problem('program_replaced', { cause });
  }
}
