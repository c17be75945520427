/** A state in a word and a colour. */
import type { TaskStatus } from '../../../tasks/record.ts';
import { useWords } from '../words/choose.ts';

export function StatusBadge({ status }: { readonly status: TaskStatus }) {
  const words = useWords();
  return <span class={`badge ${status}`}>{words.statuses[status]}</span>;
}
