/**
 * Keeps finished videos in a bucket of S3-compatible storage. A key holds a hash of the content, so that no upload can
 * replace another video, whoever uploads at the same time: no storage can be relied on to refuse it.
 */
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../clock.ts';
import type { Credentials } from '../jimeng/signature.ts';
import { Problem } from '../problems.ts';
import { loadPart } from '../program-part.ts';
import type { StorageAddress } from '../settings/storage-address.ts';
import { PlaceElsewhere } from '../system/file-problems.ts';
import { contentOf, type FileContent, nodeFiles } from '../system/files.ts';
import type { Network } from '../system/network.ts';
import { withTimeLimit } from '../system/wait.ts';
import { namedOnly, personFolder } from './choose-place.ts';
import { DiskLibrary } from './disk.ts';
import type { ByteRange, Caller, FileLink, Library, LocalCopy, Place, SavedFile } from './library.ts';
import type { Objects } from './s3-objects.ts';
import { notFetched, notStaged, notUploaded, storageNotWritable } from './s3-problems.ts';

/** The longest that S3 signs for. Temporary keys end at an unknown time: a link does not promise more than an hour. */
const LINK_SECONDS = 7 * 24 * 3600;
const TEMPORARY_LINK_SECONDS = 3600;
/** A bucket that took an object is taken for writable for so long. */
const PROOF_MILLISECONDS = 5 * 60_000;
/** A paid call waits for the proof: most clients give up after a minute. */
const PROOF_LIMIT_MILLISECONDS = 15_000;
/** A list looks for every video that it names. */
const LOOK_LIMIT_MILLISECONDS = 3_000;
/** A storage that did not answer is left alone for so long. */
const SILENT_MILLISECONDS = 10_000;
/** Of an upload whose process was killed; no upload takes so long. */
const OLD_UPLOAD_MILLISECONDS = 24 * 3600_000;
const HASH_CHARACTERS = 16;
const HASHED_NAME = /^(?<stem>.*) [0-9a-f]{16}\.mp4$/s;

export interface S3Options {
  readonly address: StorageAddress;
  readonly keys: Credentials;
  readonly stateDir: string;
  readonly homeDir: string;
  readonly network: Network;
  readonly clock: Clock;
}

export class S3Library implements Library {
  private readonly options: S3Options;
  /** What is downloaded, cut or joined before it is uploaded. */
  private readonly staged: DiskLibrary;
  private readonly root: string;
  private client: Promise<Objects> | undefined;
  private provenAt = Number.NEGATIVE_INFINITY;
  private silentUntil = Number.NEGATIVE_INFINITY;
  private removesOldUploads = false;

  constructor(options: S3Options) {
    const { address, stateDir, homeDir, clock } = options;
    this.options = options;
    this.root = `s3://${[address.bucket, address.prefix].filter((part) => part !== '').join('/')}`;
    const outputDir = join(stateDir, 'uploads');
    this.staged = new DiskLibrary({ outputDir, allowedDirs: [], workingDir: stateDir, homeDir, clock });
  }

  async choose(output: string | undefined, caller: Caller): Promise<Place> {
    const folder = caller.kind === 'remote-agent' ? `${this.root}/${personFolder(caller.person)}` : this.root;
    const place = this.placeOf(output, caller, folder);
    await this.stagingPlace();
    await this.proveWritable();
    return place;
  }

  /** Writes an object and removes it, free. @throws Problem output_not_writable */
  async proveWritable(): Promise<void> {
    const { clock } = this.options;
    if (clock.monotonic() - this.provenAt < PROOF_MILLISECONDS) return;
    const key = this.keyOf(`${this.root}/.jimeng-video-probe`);
    try {
      const objects = await this.objects();
      const text = 'Written to see whether videos can be saved here; may be removed.';
      await withTimeLimit(clock, PROOF_LIMIT_MILLISECONDS, (over) => inTime(objects.put(key, text, over), over));
      // One name for all probes: where nothing may be deleted, one object stays.
      await objects.remove(key).catch(() => undefined);
    } catch (error) {
      throw error instanceof Problem ? error : storageNotWritable(this.root, error);
    }
    this.provenAt = clock.monotonic();
  }

  /** The key is known when the content is: until then, where it will be. */
  async preview({ folder }: Place): Promise<string> {
    return `${folder}/`;
  }

  async has({ folder }: Place): Promise<boolean> {
    return folder === this.root || this.isHere(folder);
  }

  async staging(place: Place, id: string): Promise<string> {
    if (!(await this.has(place))) throw new PlaceElsewhere(place.folder);
    return await this.staged.staging(await this.stagingPlace(), id);
  }

  async publish(
    file: string,
    place: Place,
    name: string,
    lastCheck?: (content: FileContent) => Promise<void>,
  ): Promise<SavedFile> {
    if (!(await this.has(place))) throw new PlaceElsewhere(place.folder);
    const shown = `${place.folder}/${name}`;
    const content = await contentOf(file).catch((error: unknown) => {
      throw notUploaded(shown, error);
    });
    await lastCheck?.(content);
    const saved = { path: pathOf(place, name, content), ...content };
    try {
      await this.upload(file, saved);
    } catch (error) {
      throw error instanceof Problem ? error : notUploaded(shown, error);
    }
    await nodeFiles.unlink(file).catch(() => undefined);
    void this.removeOldUploads().catch(() => undefined);
    return saved;
  }

  async find(content: FileContent, place: Place, name: string): Promise<SavedFile | undefined> {
    if (!(await this.has(place))) return undefined;
    const path = pathOf(place, name, content);
    const found = await (await this.objects()).head(this.keyOf(path));
    return found?.sha256 === content.sha256 && found.bytes === content.bytes ? { path, ...content } : undefined;
  }

  async isThere({ path }: Pick<SavedFile, 'path'>): Promise<boolean> {
    if (!this.isHere(path)) return await this.staged.isThere({ path });
    // Nobody saves a video again because a storage is away.
    const { clock } = this.options;
    if (clock.monotonic() < this.silentUntil) return true;
    const objects = await this.objects();
    return await withTimeLimit(clock, LOOK_LIMIT_MILLISECONDS, async (over) => {
      const found = await objects.head(this.keyOf(path), over).catch(() => 'not known');
      if (over.aborted) this.silentUntil = clock.monotonic() + SILENT_MILLISECONDS;
      return found !== undefined;
    });
  }

  async ownVideo(path: string, person: string): Promise<Pick<SavedFile, 'path'> | undefined> {
    const folder = `${this.root}/${personFolder(person)}/`;
    const name = path.slice(folder.length);
    // Another slash could lead out of the folder again.
    const isOwn = path.startsWith(folder) && HASHED_NAME.test(name) && !/[/\\]/.test(name);
    return isOwn && (await this.isThere({ path })) ? { path } : undefined;
  }

  async open(file: Pick<SavedFile, 'path'>, range?: ByteRange): Promise<Readable> {
    if (!this.isHere(file.path)) return await this.staged.open(file, range);
    const objects = await this.objects();
    return await objects.open(this.keyOf(file.path), range).catch((error: unknown) => {
      throw notFetched(file.path, error);
    });
  }

  async localCopy({ path }: Pick<SavedFile, 'path'>, signal: AbortSignal): Promise<LocalCopy> {
    if (!this.isHere(path)) return await this.staged.localCopy({ path });
    const copy = await this.staged.staging(await this.stagingPlace(), `local-${crypto.randomUUID()}`);
    const release = () => nodeFiles.unlink(copy).catch(() => undefined);
    try {
      const body = await (await this.objects()).open(this.keyOf(path), undefined, signal);
      const handle = await nodeFiles.open(copy, 'wx', 0o600);
      await pipeline(body, handle.createWriteStream(), { signal });
      return { path: copy, release };
    } catch (error) {
      await release();
      signal.throwIfAborted();
      throw error instanceof Problem ? error : notFetched(path, error);
    }
  }

  async link({ path }: Pick<SavedFile, 'path'>): Promise<FileLink | undefined> {
    if (!this.isHere(path)) return undefined;
    const { keys, clock } = this.options;
    const seconds = keys.sessionToken === undefined ? LINK_SECONDS : TEMPORARY_LINK_SECONDS;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const stem = HASHED_NAME.exec(name)?.groups?.stem;
    const url = await (await this.objects()).link(this.keyOf(path), stem === undefined ? name : `${stem}.mp4`, seconds);
    return { url, validUntil: clock.now() + seconds * 1000 };
  }

  async sweep(_places: readonly Pick<Place, 'folder'>[], isAlive: (id: string) => boolean): Promise<string[]> {
    return await this.staged.sweep([], isAlive);
  }

  private placeOf(output: string | undefined, caller: Caller, folder: string): Place {
    if (output === undefined) return { folder };
    // A film's folder, as its record has it.
    const isOwnFolder = output.endsWith('/') && this.isHere(output);
    if (caller.kind === 'terminal' && isOwnFolder) return { folder: output.slice(0, -1) };
    return { folder, name: namedOnly(output, this.options.homeDir) };
  }

  private async stagingPlace(): Promise<Place> {
    const place = await this.staged.choose(undefined, { kind: 'terminal' }).catch((error: unknown) => {
      throw error instanceof Problem ? notStaged(error) : error;
    });
    return place ?? { folder: join(this.options.stateDir, 'uploads') };
  }

  private async upload(file: string, saved: SavedFile): Promise<void> {
    const objects = await this.objects();
    const key = this.keyOf(saved.path);
    const handle = await nodeFiles.open(file, 'r');
    try {
      await objects.upload(key, handle.createReadStream({ autoClose: false }), saved.sha256);
    } finally {
      await handle.close().catch(() => undefined);
    }
    const found = await objects.head(key);
    // Some storages keep no metadata: there the length has to do, after an upload that was acknowledged.
    const isSame = (found?.sha256 ?? saved.sha256) === saved.sha256;
    if (found?.bytes === saved.bytes && isSame) return;
    const what = isSame
      ? `The storage has ${found?.bytes ?? 0} of the ${saved.bytes} bytes of ${saved.path}.`
      : `The storage has something else as ${saved.path}.`;
    throw new Problem('save_failed', { what, hint: 'check the storage' });
  }

  /** Once a process, and as far as the storage lets it: some list no uploads, and some keys may not. */
  private async removeOldUploads(): Promise<void> {
    if (this.removesOldUploads) return;
    this.removesOldUploads = true;
    const before = this.options.clock.now() - OLD_UPLOAD_MILLISECONDS;
    const objects = await this.objects();
    // Without a prefix the bucket may be other programs', too: only names as ours are touched.
    await objects.abortUploads(this.keyOf(`${this.root}/`), before, (key) => HASHED_NAME.test(key));
  }

  private isHere(path: string): boolean {
    return path.startsWith(`${this.root}/`);
  }

  private keyOf(path: string): string {
    return path.slice(`s3://${this.options.address.bucket}/`.length);
  }

  private async objects(): Promise<Objects> {
    const { address, keys, network } = this.options;
    this.client ??= loadPart(() => import('./s3-objects.ts')).then((part) => new part.Objects(address, keys, network));
    return await this.client;
  }
}

/** The client's error for an aborted request does not say that the storage was silent. */
async function inTime<Value>(request: Promise<Value>, over: AbortSignal): Promise<Value> {
  return await request.catch((error: unknown) => {
    throw over.aborted ? Object.assign(new Error('no answer in time', { cause: error }), { code: 'ETIMEDOUT' }) : error;
  });
}

function pathOf({ folder }: Place, name: string, { sha256 }: FileContent): string {
  return `${folder}/${name.replace(/\.mp4$/i, '')} ${sha256.slice(0, HASH_CHARACTERS)}.mp4`;
}
