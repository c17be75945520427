/** What is the provider on this machine? A strict HTTP server with its API, its file host and its ways to fail. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LINK_LIFE_SECONDS, TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import type { Credentials } from '../jimeng/signature.ts';
import { findClipsFolder } from './clips.ts';
import { FaultPlan } from './faults.ts';
import { Operations } from './operations.ts';
import { type AcceptedTask, type RecordedRequest, RequestRecorder } from './recorded-requests.ts';
import { handleRequest } from './routes.ts';
import { mintLink } from './video-link.ts';

/** Known to everybody: they open nothing but a sandbox. */
export const SANDBOX_CREDENTIALS: Credentials = {
  accessKeyId: 'AKLTsandbox',
  secretAccessKey: 'c2FuZGJveCBzZWNyZXQsIG5vdCBhIHJlYWwgb25lIQ==',
};

export interface SandboxOptions {
  /** Default 0: any free one. */
  readonly port?: number;
  /** Default SANDBOX_CREDENTIALS. Their secret keys task ids and links: another secret does not know them. */
  readonly credentials?: Credentials;
  /** Seconds from acceptance to done; default 5, the first fifth of it in the queue. */
  readonly generationSeconds?: number;
  /** Per req_key; default 2. */
  readonly tasksInFlight?: number;
  /** Submits and queries together; default 20. With a `now` that stands still, they all fall into one second. */
  readonly requestsPerSecond?: number;
  /** Default 3600. */
  readonly linkLifeSeconds?: number;
  /** Default 12 hours. */
  readonly taskLifeSeconds?: number;
  /** Milliseconds since 1970; default the system's. Delays of `slow` faults are real time. */
  readonly now?: () => number;
  /** req_keys that answer 401/50400, as capabilities that are not opened in the console. */
  readonly closedCapabilities?: readonly string[];
  /** Default: beside the bundle, else in the sources. */
  readonly clipsFolder?: string;
  /** Serve `/sandbox/faults` and `/sandbox/requests`; default false. */
  readonly controls?: boolean;
  /** Default `refused` (50200); `flagged` takes them as the service does, and names them in the record. */
  readonly unknownFields?: 'refused' | 'flagged';
  /** How a query for an unknown task is answered; default `not_found` in data.status, else 400/50215. */
  readonly unknownTask?: 'not_found' | '50215';
  /** Default 20 000; the oldest go first. */
  readonly maxStoredRequests?: number;
  /** Default 64 MiB of bodies; the oldest go first. */
  readonly maxStoredBodyBytes?: number;
}

export interface Sandbox {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  readonly credentials: Credentials;
  /** Oldest first. Control requests are not among them. */
  readonly requests: readonly RecordedRequest[];
  /** Every task that exists at the provider, oldest first, with the submit that made it. */
  readonly accepted: readonly AcceptedTask[];
  readonly faults: FaultPlan;
  /** Cuts what is open and frees the port. */
  close(): Promise<void>;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** @throws Error when the port is taken or the clips are missing */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { credentials = SANDBOX_CREDENTIALS, now = Date.now, linkLifeSeconds = LINK_LIFE_SECONDS } = options;
  const secret = credentials.secretAccessKey;
  const clipsFolder = options.clipsFolder ?? findClipsFolder();
  const faults = new FaultPlan();
  const recorder = new RequestRecorder({
    maxStoredRequests: options.maxStoredRequests ?? 20_000,
    maxStoredBodyBytes: options.maxStoredBodyBytes ?? 64 * 1024 * 1024,
  });
  const server = createServer();
  const urlOf = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const operations = new Operations(
    {
      secret,
      generationSeconds: options.generationSeconds ?? 5,
      tasksInFlight: options.tasksInFlight ?? 2,
      requestsPerSecond: options.requestsPerSecond ?? 20,
      taskLifeSeconds: options.taskLifeSeconds ?? TASK_LIFE_SECONDS,
      closedCapabilities: options.closedCapabilities ?? [],
      unknownFields: options.unknownFields ?? 'refused',
      unknownTask: options.unknownTask ?? 'not_found',
      mintLink: (taskId) => mintLink(url, taskId, now() + linkLifeSeconds * 1000, secret),
    },
    now,
  );
  const context = { credentials, operations, recorder, faults, clipsFolder, now, controls: options.controls ?? false };
  server.on('connection', (socket) => recorder.noteConnection(socket));
  server.on('request', (message, response) => {
    // What fails here is the client's connection, or a bug; neither may take the host process with it.
    handleRequest(message, response, context).catch(() => response.destroy());
  });
  await listen(server, options.port ?? 0);
  const url = urlOf();
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, credentials, requests: recorder.requests, accepted: recorder.accepted, faults, close };
}
