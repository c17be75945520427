/** Lends saved files to programs that read them from this computer's disk. */
import type { Library, LocalCopy } from './library.ts';

/** One after the other: a storage is no faster for several. @throws Problem save_failed; what `use` throws */
export async function withLocalCopies<Result>(
  library: Pick<Library, 'localCopy'>,
  paths: readonly string[],
  signal: AbortSignal,
  use: (paths: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const copies: LocalCopy[] = [];
  try {
    for (const path of paths) copies.push(await library.localCopy({ path }, signal));
    return await use(copies.map((copy) => copy.path));
  } finally {
    await Promise.all(copies.map((copy) => copy.release()));
  }
}
