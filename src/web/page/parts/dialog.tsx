/** Something at full size over the page: steps to its neighbours, and closes. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useWords } from '../words/choose.ts';
import { Icon } from './icons.tsx';

interface DialogProps {
  readonly label: string;
  readonly id: string;
  /** Where the arrows lead: those before and after it in this list. */
  readonly among: readonly { readonly id: string }[];
  /** @param id '' closes */
  readonly onGo: (id: string) => void;
  readonly children: ComponentChildren;
}

export function Dialog({ label, id, among, onGo, children }: DialogProps) {
  const words = useWords();
  const at = among.findIndex((item) => item.id === id);
  const previous = at > 0 ? among[at - 1]?.id : undefined;
  const next = at >= 0 ? among[at + 1]?.id : undefined;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const onKey = (event: KeyboardEvent) => {
    const isPlayer = event.target instanceof HTMLVideoElement;
    if (isPlayer || event.altKey || event.ctrlKey || event.metaKey) return;
    const towards = { ArrowLeft: previous, ArrowRight: next }[event.key];
    if (towards !== undefined) onGo(towards);
  };
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={label}
      onClose={() => onGo('')}
      onKeyDown={onKey}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
    >
      <div class="inside">
        <nav class="steps">
          <StepButton icon="previous" label={words.previous} to={previous} onGo={onGo} />
          <StepButton icon="next" label={words.next} to={next} onGo={onGo} />
          <button
            type="button"
            class="quiet small"
            title={words.close}
            autofocus
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
            <span class="unseen">{words.close}</span>
          </button>
        </nav>
        {children}
      </div>
    </dialog>
  );
}

interface StepProps {
  readonly icon: 'previous' | 'next';
  readonly label: string;
  readonly to: string | undefined;
  readonly onGo: (id: string) => void;
}

/** Stays where it is at the ends: focus would be lost with it. */
function StepButton({ icon, label, to, onGo }: StepProps) {
  return (
    <button
      type="button"
      class="quiet small"
      title={label}
      aria-disabled={to === undefined}
      onClick={() => to !== undefined && onGo(to)}
    >
      <Icon name={icon} />
      <span class="unseen">{label}</span>
    </button>
  );
}
