/** Wakes those who wait for a record to change, here or in another process. */
import type { Engine } from './engine.ts';

export class Changes {
  private readonly engine: Engine;
  /** By what wakes them: the only task that they want to hear of. */
  private readonly waiters = new Map<() => void, string | undefined>();
  private elsewhere: AbortController | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** @param id undefined: any task may have changed */
  notify(id?: string): void {
    for (const [wake, wanted] of [...this.waiters]) {
      if (id === undefined || wanted === undefined || wanted === id) wake();
    }
  }

  async changed(signal: AbortSignal, id?: string): Promise<void> {
    if (signal.aborted) return;
    this.watchElsewhere();
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.waiters.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiters.set(wake, id);
      signal.addEventListener('abort', wake);
    });
    if (this.waiters.size === 0) this.close();
  }

  close(): void {
    this.elsewhere?.abort();
    this.elsewhere = undefined;
  }

  /** One check of other processes' writes, shared by all waiters. */
  private watchElsewhere(): void {
    if (this.elsewhere !== undefined) return;
    const over = new AbortController();
    this.elsewhere = over;
    void this.engine.changedElsewhere(over.signal).then(() => {
      if (this.elsewhere === over) this.elsewhere = undefined;
      if (!over.signal.aborted) this.notify();
    });
  }
}
