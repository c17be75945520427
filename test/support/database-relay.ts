/** Stands between a store and its database: cuts, hangs, loses the answer to a COMMIT, or leads to another server. */
import { startTcpRelay, type TcpRelay } from './tcp-relay.ts';

export interface DatabaseRelay extends TcpRelay {
  /** Where new connections lead. */
  target: number;
  /** Nothing passes any more, and nothing is closed: a silent partition. */
  isSilent: boolean;
  /** What happens to the next COMMIT: it arrives and its answer does not, or neither. */
  loseCommit: 'answer' | 'request' | undefined;
  /** COMMITs that were lost. */
  lost: number;
}

export async function startRelay(target: number): Promise<DatabaseRelay> {
  const state: Pick<DatabaseRelay, 'target' | 'isSilent' | 'loseCommit' | 'lost'> = {
    ...{ target, isSilent: false, loseCommit: undefined, lost: 0 },
  };
  const tcp = await startTcpRelay({
    target: () => state.target,
    keepsEnds: () => state.isSilent,
    pass(client, upstream, cut) {
      let isAnswerLost = false;
      client.on('data', (data) => {
        if (state.isSilent) return;
        if (state.loseCommit !== undefined && data.includes('COMMIT\0')) {
          isAnswerLost = state.loseCommit === 'answer';
          state.loseCommit = undefined;
          state.lost++;
          if (!isAnswerLost) return cut();
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
