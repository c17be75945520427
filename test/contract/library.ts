/** What every library has to do, whatever it keeps videos in. */
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Caller, Library, Place, SavedFile } from '../../src/library/library.ts';
import { contentOf } from '../../src/system/files.ts';

export interface LibraryStage {
  /** Empty, with a default place. */
  readonly library: Library;
  /** Another process's view of the same place. */
  again(): Library;
  /** Takes the file away behind the library's back. */
  remove(file: SavedFile): Promise<void>;
  /** Gives the file other bytes of the same number behind the library's back. */
  change(file: SavedFile): Promise<void>;
  /** What keeps two videos of one name apart: a number in the path, or something that follows from the content. */
  readonly apart: 'number' | 'content';
  /** As anybody who has a link. */
  fetch?(url: string): Promise<Buffer>;
  close(): Promise<void>;
}

const AGENT: Caller = { kind: 'local-agent' };
const VIDEO = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));

export function describeLibrary(name: string, open: () => Promise<LibraryStage>): void {
  describe(`${name} as a library`, () => {
    let stage: LibraryStage;
    let library: Library;
    let place: Place;
    beforeEach(async () => {
      stage = await open();
      ({ library } = stage);
      const chosen = await library.choose(undefined, AGENT);
      place = chosen ?? expect.fail('it has no default place');
    });
    afterEach(() => stage.close());

    async function stageFile(id: string, bytes: Buffer = VIDEO): Promise<string> {
      const file = await library.staging(place, id);
      await writeFile(file, bytes);
      return file;
    }
    const bytesOf = async (file: SavedFile) => await buffer(await library.open(file));

    const named = () => (stage.apart === 'number' ? /[\\/]dog\.mp4$/ : /\/dog [0-9a-f]{16}\.mp4$/);

    test('a place and a saved file are plain JSON values', async () => {
      const named = await library.choose('dog', AGENT);
      expect(named?.name).toBe('dog.mp4');
      const saved = await library.publish(await stageFile('one'), place, 'dog.mp4');
      for (const value of [place, named, saved]) expect(JSON.parse(JSON.stringify(value))).toEqual(value);
    });

    test('a place from a record serves another process', async () => {
      const kept: Place = JSON.parse(JSON.stringify(place));
      const file = await stage.again().staging(kept, 'one');
      await writeFile(file, VIDEO);
      const saved = await stage.again().publish(file, kept, 'dog.mp4');
      expect(VIDEO.equals(await bytesOf(saved))).toBe(true);
    });

    test('a place that another library chose is not its own: nothing is staged, published or found there', async () => {
      const file = await stageFile('one');
      const content = await contentOf(file);
      for (const folder of ['s3://another-bucket/videos', '/home/anna/Videos', 'C:\\Users\\anna\\Videos']) {
        if (stage.apart === 'number' && folder.startsWith('/')) continue;
        expect([folder, await library.has({ folder })]).toEqual([folder, false]);
        await expect(library.staging({ folder }, 'one')).rejects.toMatchObject({ code: 'save_failed' });
        await expect(library.publish(file, { folder }, 'dog.mp4')).rejects.toMatchObject({ code: 'save_failed' });
        expect(await library.find(content, { folder }, 'dog.mp4')).toBeUndefined();
      }
      expect(await library.has(place)).toBe(true);
    });

    test('a person names a video of their own by its path, and no other file', async () => {
      const saved: Record<string, SavedFile> = {};
      for (const person of ['mei', 'yu']) {
        const own = await library.choose('dog', { kind: 'remote-agent', person, isAdmin: person === 'yu' });
        if (own === undefined) expect.fail('it has no place for a person');
        const file = await library.staging(own, person);
        await writeFile(file, VIDEO);
        saved[person] = await library.publish(file, own, 'dog.mp4');
      }
      const { mei, yu } = saved as { mei: SavedFile; yu: SavedFile };
      expect(await stage.again().ownVideo(mei.path, 'mei')).toEqual({ path: mei.path });
      const around = `${dirname(mei.path)}/../yu/${yu.path.slice(yu.path.lastIndexOf('/') + 1)}`;
      const folder = dirname(mei.path);
      for (const path of [yu.path, around, folder, `${folder}/`, `${folder}/none.mp4`, '/etc/hostname', '']) {
        expect([path, await library.ownVideo(path, 'mei')]).toEqual([path, undefined]);
      }
      expect(await library.ownVideo(mei.path, 'yu'), 'an admin has no other rights here').toBeUndefined();
      await stage.remove(mei);
      expect(await library.ownVideo(mei.path, 'mei')).toBeUndefined();
    });

    test('staging gives the same path for the same id, and another one for another id', async () => {
      const first = await library.staging(place, 'one');
      expect(await library.staging(place, 'one')).toBe(first);
      expect(await library.staging(place, 'two')).not.toBe(first);
      expect(dirname(await library.staging(place, '../../x'))).toBe(dirname(first));
    });

    test('publish keeps the bytes, says what they are, and leaves no staged file', async () => {
      const file = await stageFile('one');
      const content = await contentOf(file);
      const saved = await library.publish(file, place, 'dog.mp4');
      expect(saved).toMatchObject(content);
      expect(VIDEO.equals(await bytesOf(saved))).toBe(true);
      await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('publish never overwrites: the second of a name gets a number', async () => {
      const first = await library.publish(await stageFile('one'), place, 'dog.mp4');
      const second = await library.publish(await stageFile('two', Buffer.from('second')), place, 'dog.mp4');
      expect(first.path).toMatch(named());
      expect(second.path).toMatch(stage.apart === 'number' ? /dog \(2\)\.mp4$/ : named());
      expect(second.path).not.toBe(first.path);
      expect(VIDEO.equals(await bytesOf(first))).toBe(true);
      expect(String(await bytesOf(second))).toBe('second');
    });

    test('many publish the same name at the same time: each keeps its own bytes', async () => {
      const bytes = Array.from({ length: 12 }, (_, index) => Buffer.from(`video ${index}`));
      const files = await Promise.all(bytes.map((one, index) => stageFile(`id${index}`, one)));
      const saved = await Promise.all(files.map((file) => library.publish(file, place, 'dog.mp4')));
      expect(new Set(saved.map(({ path }) => path)).size).toBe(12);
      for (const [index, file] of saved.entries()) expect(String(await bytesOf(file))).toBe(`video ${index}`);
    });

    test('preview gives the path that publish then uses, or its folder', async () => {
      await library.publish(await stageFile('one'), place, 'dog.mp4');
      const named = (await library.choose('dog.mov', AGENT)) ?? expect.fail('no place');
      const previewed = await library.preview(named);
      const saved = await library.publish(await stageFile('two'), named, named.name ?? '');
      if (stage.apart === 'number') expect(saved.path).toBe(previewed);
      else expect(dirname(saved.path)).toBe(previewed.slice(0, -1));
    });

    test('a file that cannot be published is a Problem, and nothing has its name', async () => {
      const missing = await library.staging(place, 'none');
      await expect(library.publish(missing, place, 'dog.mp4')).rejects.toMatchObject({ code: 'save_failed' });
      expect(await library.find({ bytes: 0, sha256: '' }, place, 'dog.mp4')).toBeUndefined();
      expect((await library.publish(await stageFile('one'), place, 'dog.mp4')).path).toMatch(named());
    });

    test('what the last check refuses gets no name', async () => {
      const file = await stageFile('one');
      const lost = new Error('another process holds the task');
      const check = async (content: { readonly bytes: number }) => {
        expect(content.bytes).toBe(VIDEO.length);
        throw lost;
      };
      await expect(library.publish(file, place, 'dog.mp4', check)).rejects.toBe(lost);
      expect(await library.find(await contentOf(file), place, 'dog.mp4')).toBeUndefined();
      expect((await library.publish(file, place, 'dog.mp4')).path).toMatch(named());
    });

    test('find finds what a dead process published, under a number too, by its content', async () => {
      const other = await library.publish(await stageFile('one', Buffer.from('other')), place, 'dog.mp4');
      const file = await stageFile('two');
      const content = await contentOf(file);
      expect(await library.find(content, place, 'dog.mp4')).toBeUndefined();
      const saved = await library.publish(file, place, 'dog.mp4');
      expect(saved.path).not.toBe(other.path);
      expect(await stage.again().find(content, place, 'dog.mp4')).toEqual(saved);
    });

    test('find takes no file of the same name and size that has other bytes', async () => {
      const file = await stageFile('one');
      const content = await contentOf(file);
      await stage.change(await library.publish(file, place, 'dog.mp4'));
      expect(await library.find(content, place, 'dog.mp4')).toBeUndefined();
    });

    test('isThere is true until the file is taken away', async () => {
      const saved = await library.publish(await stageFile('one'), place, 'dog.mp4');
      expect(await library.isThere(saved)).toBe(true);
      await stage.remove(saved);
      expect(await library.isThere(saved)).toBe(false);
      await expect(library.open(saved).then((stream) => buffer(stream))).rejects.toThrow();
    });

    test('open gives a range as HTTP means it', async () => {
      const saved = await library.publish(await stageFile('one'), place, 'dog.mp4');
      const rangeOf = async (start: number, end?: number) =>
        await buffer(await library.open(saved, end === undefined ? { start } : { start, end }));
      expect((await rangeOf(0, 0)).equals(VIDEO.subarray(0, 1))).toBe(true);
      expect((await rangeOf(100, 199)).equals(VIDEO.subarray(100, 200))).toBe(true);
      expect((await rangeOf(VIDEO.length - 5)).equals(VIDEO.subarray(-5))).toBe(true);
    });

    test('link gives a web address or nothing', async () => {
      const saved = await library.publish(await stageFile('one'), place, 'dog.mp4');
      const link = await library.link(saved, 'jv-one');
      if (link === undefined) return;
      expect(link.validUntil).toBeGreaterThan(Date.now());
      expect(await stage.fetch?.(link.url).then((bytes) => VIDEO.equals(bytes))).toBe(true);
    });

    test('a local copy has the bytes, and is released without a trace in the library', async () => {
      const saved = await library.publish(await stageFile('one'), place, 'dog.mp4');
      const copy = await library.localCopy(saved, new AbortController().signal);
      expect(VIDEO.equals(await readFile(copy.path))).toBe(true);
      await copy.release();
      expect(VIDEO.equals(await bytesOf(saved))).toBe(true);
      const isKept = await readFile(copy.path).then(
        () => true,
        () => false,
      );
      expect(isKept).toBe(copy.path === saved.path);
    });

    test('sweep removes staged files of dead tasks; living and fresh ones stay', async () => {
      const old = new Date(Date.now() - 3600_000);
      const [dead, alive, fresh] = [await stageFile('dead'), await stageFile('alive'), await stageFile('fresh')];
      for (const file of [dead, alive]) await utimes(file, old, old);
      const folder = dirname(dead);
      await writeFile(`${folder}/film.part`, 'not ours');
      await utimes(`${folder}/film.part`, old, old);
      expect(await library.sweep([place], (id) => id === 'alive')).toEqual([dead]);
      expect((await readdir(folder)).length).toBe(3);
      expect(VIDEO.equals(await readFile(fresh))).toBe(true);
    });

    test('sweep of a place that is gone removes nothing and does not throw', async () => {
      const gone = { folder: `${place.folder}/gone` };
      expect(await library.sweep([gone], () => false)).toEqual([]);
    });

    test('a remote person names files, not paths, and does not see the names of others', async () => {
      const mei =
        (await library.choose('dog', { kind: 'remote-agent', person: 'mei', isAdmin: false })) ??
        expect.fail('no place');
      const yu =
        (await library.choose('dog', { kind: 'remote-agent', person: '../mei', isAdmin: false })) ??
        expect.fail('no place');
      expect(mei.name).toBe('dog.mp4');
      expect(yu.folder).not.toBe(mei.folder);
      const file = await library.staging(mei, 'one');
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, VIDEO);
      await library.publish(file, mei, 'dog.mp4');
      expect(await library.preview(yu)).not.toMatch(/\(2\)/);
      for (const output of ['a/dog', '/tmp/dog', '../dog', '~/dog', 'a\\dog', '..', 'file:///tmp/dog.mp4', 'dog/']) {
        const choosing = library.choose(output, { kind: 'remote-agent', person: 'mei', isAdmin: false });
        await expect(choosing, output).rejects.toMatchObject({ code: 'output_not_allowed' });
      }
    });

    test('a staged file that was removed is made again without complaint', async () => {
      const file = await stageFile('one');
      await rm(file);
      expect(await library.staging(place, 'one')).toBe(file);
    });
  });
}
