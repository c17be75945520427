/** How do the calls of one process take turns, without asking the disk whose it is? */

export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs when every step that was given before is over, however that ended. */
  async take<Value>(step: () => Promise<Value>): Promise<Value> {
    const turn = this.last.then(step, step);
    this.last = turn.catch(() => undefined);
    return await turn;
  }
}
