/** A process that sends, polls and saves what any host has queued, until SIGTERM. */
import { createApp } from '../../src/app.ts';
import { createLog } from '../../src/log.ts';
import { readSettings, surroundings } from '../../src/settings.ts';

const read = readSettings(surroundings());
const app = createApp(read, createLog(read.settings.logLevel), { sends: 'all' });
const alive = setInterval(() => undefined, 60_000);
process.once('SIGTERM', async () => {
  await app.end(3_000);
  clearInterval(alive);
});
void app.service('query').then((service) => service.resume());
