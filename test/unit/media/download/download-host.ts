/** A file host on this machine that fails as a test asks, and a download from it. */
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import type { Clock } from '../../../../src/clock.ts';
import { type DownloadProblem, type DownloadRequest, download } from '../../../../src/media/download/download.ts';
import { box } from '../../../support/mp4-boxes.ts';

/** Every byte differs from what stands 251 bytes away, so that a piece in the wrong place is seen. */
export const noise = Buffer.from(Array.from({ length: 400_000 }, (_, index) => (index * 7) % 251));
export const VIDEO = Buffer.concat([box('ftyp', 'isom....'), box('moov', noise.subarray(0, 999)), box('mdat', noise)]);
export const HALF = VIDEO.length >> 1;
export const ETAG = '"v1"';

export type Step = (request: IncomingMessage, response: ServerResponse) => void;

interface ServeOptions {
  cutAt?: number;
  ranges?: boolean;
  /** Empty: none. */
  etag?: string;
  body?: Buffer;
  headers?: Readonly<Record<string, string>>;
  sendLength?: boolean;
}

/** Serves the video as a file host does; `cutAt` destroys the connection when the file's byte of that number is due. */
export function serve({
  cutAt,
  ranges = true,
  etag = ETAG,
  body = VIDEO,
  headers = {},
  sendLength = true,
}: ServeOptions = {}): Step {
  return (request, response) => {
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const confirmed = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    const start = ranges && asked !== undefined && confirmed ? Number(asked) : 0;
    const isPart = ranges && asked !== undefined && confirmed;
    if (etag !== '') response.setHeader('etag', etag);
    if (start >= body.length) {
      response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
      return;
    }
    if (sendLength) response.setHeader('content-length', body.length - start);
    if (isPart) response.setHeader('content-range', `bytes ${start}-${body.length - 1}/${body.length}`);
    response.writeHead(isPart ? 206 : 200, headers);
    if (cutAt === undefined) response.end(body.subarray(start));
    else {
      response.flushHeaders();
      response.write(body.subarray(start, cutAt), () => response.destroy());
    }
  };
}

export const status =
  (code: number): Step =>
  (_, response) =>
    void response.writeHead(code).end('<Error/>');
export const html: Step = (_, response) =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>busy</html>');
export const redirectTo =
  (location: string): Step =>
  (_, response) =>
    void response.writeHead(302, { location }).end();
export const cutAtOnce: Step = (request) => void request.socket.destroy();
export const stall =
  (start: number): Step =>
  (_, response) => {
    response.writeHead(200, { 'content-length': VIDEO.length, etag: ETAG });
    response.write(VIDEO.subarray(0, start));
  };

/** Answers each request with the next of `steps`, then with `last`. Waits of the download take no time, but are counted. */
export class FileHost {
  steps: Step[] = [];
  last: Step = serve();
  readonly requests: IncomingMessage[] = [];
  readonly sleeps: number[] = [];
  elapsed = 0;
  origin = '';
  folder = '';
  private readonly server = createServer((request, response) => {
    this.requests.push(request);
    (this.steps.shift() ?? this.last)(request, response);
  });

  static async open(): Promise<FileHost> {
    const host = new FileHost();
    host.folder = await realpath(await mkdtemp(path.join(tmpdir(), 'download-')));
    await new Promise<void>((resolve) => host.server.listen(0, '127.0.0.1', resolve));
    host.origin = `http://127.0.0.1:${(host.server.address() as AddressInfo).port}`;
    return host;
  }

  stopListening(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  async close(): Promise<void> {
    this.stopListening();
    await rm(this.folder, { recursive: true, force: true });
  }

  readonly clock: Clock = {
    now: () => this.elapsed,
    monotonic: () => this.elapsed,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      this.elapsed += milliseconds;
      this.sleeps.push(milliseconds);
    },
  };

  get ranges(): (string | undefined)[] {
    return this.requests.map((request) => request.headers.range);
  }

  get partPath(): string {
    return path.join(this.folder, '.jimeng-video-task1.part');
  }

  requestOf(changes: Partial<DownloadRequest> = {}): DownloadRequest {
    return {
      url: `${this.origin}/video?x=1`,
      freshUrl: async () => `${this.origin}/fresh?x=${this.requests.length}`,
      partPath: this.partPath,
      clock: this.clock,
      mayReachPrivate: true,
      signal: new AbortController().signal,
      stallMilliseconds: 5000,
      ...changes,
    };
  }

  /** The whole video is there, and nothing else. */
  async expectWhole(changes?: Partial<DownloadRequest>): Promise<void> {
    const request = this.requestOf(changes);
    const { bytes } = await download(request);
    expect(bytes).toBe(VIDEO.length);
    expect(VIDEO.equals(await readFile(request.partPath))).toBe(true);
    expect(await readdir(path.dirname(request.partPath))).toEqual([path.basename(request.partPath)]);
  }

  /** The Problem save_failed that it ends in; nothing is left in the folder. */
  async problemOf(changes?: Partial<DownloadRequest>): Promise<DownloadProblem> {
    const failure = await download(this.requestOf(changes)).then(
      () => expect.fail('it succeeded'),
      (error: DownloadProblem) => error,
    );
    expect(failure).toMatchObject({ code: 'save_failed', hint: expect.any(String) });
    return failure;
  }

  async sentenceOf(changes?: Partial<DownloadRequest>): Promise<string> {
    return (await this.problemOf(changes)).message;
  }
}
