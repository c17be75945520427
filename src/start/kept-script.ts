/** How is a script run without being compiled at each start? With what V8 made of it the last time (its code cache). */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

const CHECKSUM_BYTES = 4;
const SUFFIX = '.v8';

export interface RunScript<Exports> {
  readonly exports: Exports;
  /** Writes what was compiled up to now, for the next start; where that fails, the next start compiles again. */
  keep(): void;
}

/**
 * Runs a CommonJS file whose text is one function, of `module` and `require`. What was compiled is looked for beside it,
 * where the build puts what its own Node made, and then in the folder.
 * @param file absolute
 * @param folder where compiled code is kept; read now, written by `keep` only
 */
export function runScript<Exports>(file: string, folder: string): RunScript<Exports> {
  const source = readFileSync(file, 'latin1');
  const keptFile = join(folder, keptName());
  const compiled =
    compile(file, source, readBuilt(join(dirname(file), keptName()))) ??
    compile(file, source, readKept(keptFile, source));
  const script = compiled ?? new Script(source, { filename: file });
  const module = { exports: {} as Exports };
  script.runInThisContext()(module, createRequire(file));
  return {
    exports: module.exports,
    keep() {
      if (compiled !== undefined) return;
      try {
        writeKept(keptFile, source, script.createCachedData(), folder);
      } catch {
        // A full disk, or a home that nobody may write to: nothing is lost but time.
      }
    },
  };
}

/** @returns undefined where there is nothing, or V8 does not take it: other options of Node make another code */
function compile(filename: string, source: string, cachedData: Buffer | undefined): Script | undefined {
  if (cachedData === undefined) return undefined;
  const script = new Script(source, { filename, cachedData });
  return script.cachedDataRejected ? undefined : script;
}

/** For another V8 it is of no use. Electron has a Node of the same version on a V8 of its own. */
function keptName(): string {
  return `${process.version}-${process.versions.v8}-${process.arch}${SUFFIX}`;
}

/** As good as the program itself, with which it was built and came. */
function readBuilt(builtFile: string): Buffer | undefined {
  try {
    return readFileSync(builtFile);
  } catch {
    return undefined;
  }
}

/** V8 reads damaged code until the process dies of it, and takes any source of the same length for its own. */
function readKept(keptFile: string, source: string): Buffer | undefined {
  try {
    const kept = readFileSync(keptFile);
    const code = kept.subarray(CHECKSUM_BYTES);
    return kept.readUInt32BE(0) === checksum(source, code) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Against accidents only: who can write to a user's own folder needs no such way. */
function checksum(source: string, code: Buffer): number {
  // Loaded here: it takes a millisecond.
  const { crc32 } = process.getBuiltinModule('node:zlib');
  return crc32(code, crc32(source));
}

function writeKept(keptFile: string, source: string, code: Buffer, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${keptFile}.${process.pid}`;
  const head = Buffer.alloc(CHECKSUM_BYTES);
  head.writeUInt32BE(checksum(source, code));
  writeFileSync(draft, Buffer.concat([head, code]), { mode: 0o600 });
  renameSync(draft, keptFile);
  // One for each Node that is used; those of older ones go.
  const others = readdirSync(folder).filter((name) => name.endsWith(SUFFIX) && !keptFile.endsWith(name));
  for (const name of others.slice(2)) rmSync(join(folder, name), { force: true });
}
