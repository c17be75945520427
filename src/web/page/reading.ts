/** Reads something from the server, and again with each change. */
import { useEffect, useState } from 'preact/hooks';
import { RequestError, read } from './request.ts';

/**
 * @param changes grows with each change
 * @returns the last answer for this path, also when a later request failed
 */
export function useReading<Answer>(path: string, changes: number) {
  const [found, setFound] = useState<{ readonly path: string; readonly answer: Answer }>();
  const [error, setError] = useState<RequestError>();
  useEffect(() => {
    const over = new AbortController();
    read<Answer>(path, over.signal).then(
      (answer) => {
        setFound({ path, answer });
        setError(undefined);
      },
      (reason: unknown) => {
        if (!over.signal.aborted) setError(reason instanceof RequestError ? reason : new RequestError(0));
      },
    );
    return () => over.abort();
  }, [path, changes]);
  return { answer: found?.path === path ? found.answer : undefined, error };
}
