/** The page's own files, as the build writes them. */
import { basename, join } from 'node:path';
import { nodeFiles } from '../system/files.ts';

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface Assets {
  readonly page: Asset;
  /** By path. They hold nothing of the user's, and need no secret. */
  readonly open: ReadonlyMap<string, Asset>;
}

/** @param folder holds what scripts/build.mjs writes */
export async function readAssets(folder: string): Promise<Assets> {
  const read = async (name: keyof typeof TYPES) => ({
    type: TYPES[name],
    bytes: await nodeFiles.readFile(join(folder, basename(name))),
  });
  const icon = await read('icon.svg');
  return {
    page: await read('index.html'),
    open: new Map([
      ['/page.js', await read('page.js')],
      ['/page.css', await read('page.css')],
      ['/icon.svg', icon],
      ['/favicon.ico', icon],
    ]),
  };
}
