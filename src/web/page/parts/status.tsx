/** How far something is: a state in a word and a colour, and a bar. */
import type { TaskStatus } from '../../../tasks/record.ts';
import { useWords } from '../words/choose.ts';

export function StatusBadge({ status }: { readonly status: TaskStatus }) {
  const words = useWords();
  return <span class={`badge ${status}`}>{words.statuses[status]}</span>;
}

/** @param share 0 to 1; undefined: not known */
export function Progress({ share }: { readonly share: number | undefined }) {
  return (
    <span class={`progress ${share === undefined ? 'unknown' : ''}`}>
      <span style={{ width: `${Math.round((share ?? 0.3) * 100)}%` }} />
    </span>
  );
}
