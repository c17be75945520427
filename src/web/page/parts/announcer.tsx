/** Shows the result of an action, and announces it to screen readers. */
import { type ComponentChildren, createContext } from 'preact';
import { useCallback, useContext, useRef, useState } from 'preact/hooks';

const SHOWN_MILLISECONDS = 4_000;

const AnnouncerContext = createContext<(text: string) => void>(() => undefined);

export function useAnnounce(): (text: string) => void {
  return useContext(AnnouncerContext);
}

export function Announcer({ children }: { readonly children: ComponentChildren }) {
  const [text, setText] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const announce = useCallback((said: string) => {
    clearTimeout(timer.current);
    setText(said);
    timer.current = setTimeout(() => setText(''), SHOWN_MILLISECONDS);
  }, []);
  return (
    <AnnouncerContext.Provider value={announce}>
      {children}
      <AnnouncementText text={text} />
    </AnnouncerContext.Provider>
  );
}

/** Shown over an open dialog, too: a popover lies above it. */
function AnnouncementText({ text }: { readonly text: string }) {
  const element = useRef<HTMLDivElement>(null);
  if (element.current?.isConnected) {
    element.current.togglePopover(false);
    if (text !== '') element.current.togglePopover(true);
  }
  return (
    <div ref={element} class="announcement" role="status" popover="manual">
      {text}
    </div>
  );
}
