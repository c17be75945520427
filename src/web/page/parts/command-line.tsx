/** A command for the terminal, to be copied. */
import { useWords } from '../words/choose.ts';
import { CopyButton } from './copy-button.tsx';

export function CommandLine({ command }: { readonly command: string }) {
  const words = useWords();
  return (
    <div class="command">
      <code>{command}</code>
      <CopyButton text={command} label={words.copyCommand} isSmall />
    </div>
  );
}
