/** Wakes the callers that wait for a change, in this process or another. */

export class Changes {
  private readonly changedElsewhere: (signal: AbortSignal) => Promise<void>;
  /** By what wakes them: the only id that they want to hear of. */
  private readonly waiters = new Map<() => void, string | undefined>();
  private elsewhere: AbortController | undefined;

  /** @param changedElsewhere resolves when another process may have changed something, or when the signal is aborted; never rejects */
  constructor(changedElsewhere: (signal: AbortSignal) => Promise<void>) {
    this.changedElsewhere = changedElsewhere;
  }

  /** @param id undefined: anything may have changed */
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
    void this.changedElsewhere(over.signal).then(() => {
      if (this.elsewhere === over) this.elsewhere = undefined;
      if (!over.signal.aborted) this.notify();
    });
  }
}
