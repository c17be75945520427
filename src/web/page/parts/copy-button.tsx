/** Copies a text, and says whether it could. */
import { useWords } from '../words/choose.ts';
import { useAnnounce } from './announcer.tsx';
import { Icon } from './icons.tsx';

interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
  /** Only its icon is seen. */
  readonly isSmall?: boolean;
  /** Said beside "Copied". */
  readonly note?: string | undefined;
}

export function CopyButton({ text, label, isSmall = false, note }: CopyButtonProps) {
  const words = useWords();
  const announce = useAnnounce();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      announce(note === undefined ? words.copied : `${words.copied}. ${note}`);
    } catch {
      announce(words.notCopied);
    }
  };
  return (
    <button type="button" class={isSmall ? 'quiet small' : ''} title={isSmall ? label : undefined} onClick={copy}>
      <Icon name="copy" />
      <span class={isSmall ? 'unseen' : ''}>{label}</span>
    </button>
  );
}

/** A command for the terminal, to be copied. */
export function CommandLine({ command }: { readonly command: string }) {
  const words = useWords();
  return (
    <div class="command">
      <code>{command}</code>
      <CopyButton text={command} label={words.copyCommand} isSmall />
    </div>
  );
}
