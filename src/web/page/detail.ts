/** One thing that is looked at closely, read again with each change. */
import { useEffect, useState } from 'preact/hooks';
import { RequestError, read } from './request.ts';

/** @param path undefined: nothing is read @param changes grows with each change */
export function useDetail<Detail>(path: string, changes: number) {
  const [found, setFound] = useState<{ readonly path: string; readonly detail: Detail }>();
  const [error, setError] = useState<RequestError>();
  useEffect(() => {
    const over = new AbortController();
    read<Detail>(path, over.signal).then(
      (detail) => {
        setFound({ path, detail });
        setError(undefined);
      },
      (reason: unknown) => {
        if (!over.signal.aborted) setError(reason instanceof RequestError ? reason : new RequestError(0));
      },
    );
    return () => over.abort();
  }, [path, changes]);
  return { detail: found?.path === path ? found.detail : undefined, error };
}
