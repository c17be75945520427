/** Many commands may run in one process, each with a terminal of its own. */
import { expect, it } from 'vitest';
import { openTerminal } from '../../../src/cli/terminal.ts';

it('leaves one listener on each stream, however many terminals are opened', () => {
  openTerminal();
  const listeners = () => [process.stdout, process.stderr].map((stream) => stream.listenerCount('error'));
  const after = listeners();
  for (let opened = 0; opened < 20; opened++) openTerminal();
  expect(listeners()).toEqual(after);
});
