/** Withdraw a request that was not sent yet. */
import type { Command } from 'commander';
import * as z from 'zod';
import { EXIT } from './exit-codes.ts';
import { taskIdInput } from './get.ts';
import { addJsonOption, parseInput } from './options.ts';
import { tellTask } from './outcome.ts';
import { runSession } from './session.ts';
import type { Terminal } from './terminal.ts';

const input = z.strictObject({ task_id: taskIdInput });

export function addCancel(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('cancel')
    .summary('withdraw a request that is still queued')
    .description('Withdraws a request that is still queued. A video that the provider has cannot be stopped.')
    .argument('<task-id>', 'the id that generate printed');
  addJsonOption(command).action(async (taskId: string, options: { json?: boolean }) => {
    end(await cancel(terminal, taskId, options.json === true));
  });
}

async function cancel(terminal: Terminal, taskId: string, isWanted: boolean): Promise<number> {
  return await runSession(terminal, { isWanted }, async (session) => {
    const { task_id: id } = parseInput(input, { taskId });
    const service = await session.holder.service('query');
    session.aboutTask(id);
    const { record, withdrawn } = await service.cancel(id);
    const why = 'It is not queued any more, so it cannot be withdrawn.';
    return async () =>
      withdrawn || record.status === 'cancelled'
        ? await tellTask(service, record)
        : { ...(await tellTask(service, record, { before: why })), exitCode: EXIT.failed };
  });
}
