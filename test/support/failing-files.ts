/** A file system whose single calls answer as other systems do. */
import type { FileHandle } from 'node:fs/promises';
import { type FileSystem, nodeFiles } from '../../src/system/files.ts';

export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

/** @returns a call that always fails with this code */
export function failing(code: string): () => Promise<never> {
  return () => Promise.reject(systemError(code));
}

/** @returns the call, which fails so often before it works */
export function failingFirst<Call extends (...given: never[]) => Promise<unknown>>(
  code: string,
  times: number,
  call: Call,
): Call {
  let calls = 0;
  const wrapped = async (...given: Parameters<Call>) => {
    calls += 1;
    if (calls <= times) throw systemError(code);
    return await call(...given);
  };
  return wrapped as Call;
}

/** Every file that is opened has these methods in the place of its own. */
export function withHandle(changes: Partial<FileHandle>): FileSystem {
  const open: FileSystem['open'] = async (...given) => {
    const handle = await nodeFiles.open(...given);
    return new Proxy(handle, {
      get(target, name) {
        if (Object.hasOwn(changes, name)) return changes[name as keyof FileHandle];
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return { ...nodeFiles, open };
}
