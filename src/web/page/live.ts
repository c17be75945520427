/** Server-sent events of changes, while the page is visible, and the current time. */
import { useEffect, useRef, useState } from 'preact/hooks';

/** `locked`: another gallery has this address now, and its link is not this one's. */
export type Connection = 'connected' | 'lost' | 'locked';

/**
 * @param onChange a record may have changed; called when the connection is made, too
 * A hidden page holds no connection: browsers open only six to one server, over all their tabs.
 */
export function useChanges(onChange: () => void): Connection {
  const [connection, setConnection] = useState<Connection>('connected');
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    let source: EventSource | undefined;
    const follow = () => {
      source?.close();
      source = undefined;
      if (document.visibilityState === 'hidden') return;
      const opened = new EventSource('api/changes');
      source = opened;
      opened.addEventListener('changed', () => {
        setConnection('connected');
        latest.current();
      });
      opened.addEventListener('error', () =>
        setConnection(opened.readyState === EventSource.CLOSED ? 'locked' : 'lost'),
      );
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      source?.close();
    };
  }, []);
  return connection;
}

/** The server's clock. @param isTicking once a second, while something runs */
export function useNow(offset: number, isTicking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isTicking]);
  return now + offset;
}
