/** Problems of the whole page: no connection, no keys, wrong settings. */
import type { Overview } from '../../api.ts';
import type { Connection } from '../live.ts';
import { imperative, problemWords } from '../phrase.ts';
import { useWords } from '../words/choose.ts';
import { CommandLine } from './copy-button.tsx';
import { Icon } from './icons.tsx';

interface NoticesProps {
  readonly overview: Overview | undefined;
  readonly connection: Connection;
}

export function Notices({ overview, connection }: NoticesProps) {
  const words = useWords();
  const { notice, isAccountKnown = true, command = 'jimeng-video-mcp', counts = {} } = overview ?? {};
  const isAnythingOpen = ['queued', 'submitting', 'generating'].some((status) => (counts[status] ?? 0) > 0);
  return (
    <div role="alert">
      {connection !== 'connected' && (
        <div class="notice">
          <Icon name="warning" />
          <div>
            <p>{connection === 'locked' ? words.locked : words.disconnected}</p>
            {connection === 'lost' && (
              <>
                <p>{words.disconnectedHint}</p>
                <CommandLine command={`${command} gallery`} />
              </>
            )}
          </div>
        </div>
      )}
      {notice !== undefined && (!isAccountKnown || isAnythingOpen) && (
        <div class="notice">
          <Icon name="warning" />
          <div>
            <p>{isAccountKnown ? words.notPolled : words.noAccount}</p>
            <p>{imperative(words, problemWords(words, notice)[1])}</p>
          </div>
        </div>
      )}
    </div>
  );
}
