/** The contract of a library, held by folders on this disk. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { DiskLibrary } from '../../src/library/disk.ts';
import { describeLibrary, type LibraryStage } from './library.ts';

describeLibrary('the disk', async (): Promise<LibraryStage> => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'library-')));
  const rules = { outputDir: join(root, 'videos'), allowedDirs: [], workingDir: root, homeDir: root };
  const again = () => new DiskLibrary({ ...rules, clock: systemClock });
  return {
    library: again(),
    again,
    apart: 'number',
    remove: (file) => rm(file.path),
    change: (file) => writeFile(file.path, Buffer.alloc(file.bytes, 'x')),
    close: () => rm(root, { recursive: true, force: true }),
  };
});
