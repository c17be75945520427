/** Stands between a server and its storage: counts uploads, cuts them in the middle, or stops at a moment. */
import { startTcpRelay } from './tcp-relay.ts';

export interface StorageRelay {
  readonly endpoint: string;
  /** PUTs of videos that began. */
  uploads: number;
  /** Each upload is cut after so many bytes. */
  cutAfter: number | undefined;
  /** So many uploads, or parts of one, are let through before. */
  spared: number;
  /** Requests arrive, and nothing answers. */
  isSilent: boolean;
  /** Called before a HEAD that follows an upload is let through. */
  onceUploaded: (() => void) | undefined;
  close(): Promise<void>;
}

export async function startStorageRelay(target: number): Promise<StorageRelay> {
  const state: Omit<StorageRelay, 'endpoint' | 'close'> = {
    ...{ uploads: 0, cutAfter: undefined, spared: 0, isSilent: false, onceUploaded: undefined },
  };
  const { port, close } = await startTcpRelay({
    target: () => target,
    pass(client, upstream, cut) {
      let sent = 0;
      client.on('data', (data) => {
        if (state.isSilent) return;
        const [method, path = ''] = data.toString('latin1', 0, 2000).split(' ', 2);
        if (method === 'PUT' && path.includes('.mp4')) {
          state.uploads++;
          sent = 0;
        }
        if (method === 'HEAD' && state.uploads > 0 && state.onceUploaded !== undefined) {
          state.onceUploaded();
          return cut();
        }
        sent += data.length;
        if (state.cutAfter !== undefined && state.uploads > state.spared && sent > state.cutAfter) {
          const left = Math.max(0, data.length - (sent - state.cutAfter));
          upstream.end(data.subarray(0, left), cut);
          return;
        }
        upstream.write(data);
      });
      upstream.on('data', (data) => client.write(data));
    },
  });
  return Object.assign(state, { endpoint: `http://127.0.0.1:${port}`, close });
}
