/** Stands between a store and its database: cuts, hangs, loses the answer to a COMMIT, or leads to another server. */
import { startTcpRelay, type TcpRelay } from './tcp-relay.ts';

export interface DatabaseRelay extends TcpRelay {
  /** Where new connections lead. */
  target: number;
  /** Nothing passes any more, and nothing is closed: a silent partition. */
  isSilent: boolean;
  /**
   * What happens to the next COMMIT that sends a notification, as those of tasks do and those of leases do not: it arrives
   * and its answer does not, or neither.
   */
  loseCommit: 'answer' | 'request' | undefined;
  /** COMMITs that were lost. */
  lost: number;
}

interface DatabaseRelayOptions {
  readonly host?: string;
  /** Asked for each COMMIT: whether the database does it and its answer is lost. @param commit the client's message */
  readonly losesAnswer?: (commit: Buffer) => boolean;
}

/** @param target the database's port */
export async function startRelay(
  target: number,
  { host, losesAnswer = () => false }: DatabaseRelayOptions = {},
): Promise<DatabaseRelay> {
  const state: Pick<DatabaseRelay, 'target' | 'isSilent' | 'loseCommit' | 'lost'> = {
    ...{ target, isSilent: false, loseCommit: undefined, lost: 0 },
  };
  const tcp = await startTcpRelay({
    host,
    target: () => state.target,
    keepsEnds: () => state.isSilent,
    pass(client, upstream, cut) {
      let isAnswerLost = false;
      client.on('data', (data) => {
        if (state.isSilent) return;
        const planned = data.includes('NOTIFY') ? state.loseCommit : undefined;
        const lost = data.includes('COMMIT\0') ? (planned ?? (losesAnswer(data) && 'answer')) : false;
        if (lost) {
          state.loseCommit = undefined;
          state.lost++;
          if (lost === 'request') return cut();
          isAnswerLost = true;
        }
        upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (isAnswerLost) return cut();
        if (!state.isSilent) client.write(data);
      });
    },
  });
  return Object.assign(state, tcp);
}
