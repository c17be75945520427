/** Small pictures that lead to other videos. */
import type { VideoItem } from '../../api.ts';
import { useWords } from '../words/choose.ts';
import { StatusBadge } from './status.tsx';
import { Still } from './video.tsx';

interface TakesProps {
  readonly heading: string;
  readonly takes: readonly VideoItem[];
  readonly onGo: (id: string) => void;
}

export function Takes({ heading, takes, onGo }: TakesProps) {
  if (takes.length === 0) return null;
  return (
    <div class="takes">
      <h2>{heading}</h2>
      <ul>
        {takes.map((take) => (
          <li key={take.id}>
            <Take take={take} onGo={onGo} />
          </li>
        ))}
      </ul>
    </div>
  );
}

export function Take({ take, onGo }: { readonly take: VideoItem; readonly onGo: (id: string) => void }) {
  const words = useWords();
  const { seed } = take.request;
  return (
    <button type="button" class="take" onClick={() => onGo(take.id)}>
      <span class="picture whole">
        {take.file === undefined ? <StatusBadge status={take.status} /> : <Still file={take.file} isPlaying={false} />}
      </span>
      <span class="line">{seed === undefined || seed === -1 ? take.id : `${words.facts.seed} ${seed}`}</span>
    </button>
  );
}
