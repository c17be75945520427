/** Checks for doctor what several computers may share: the storage of finished videos, and the database. */
import type { Clock } from '../clock.ts';
import { S3Library } from '../library/s3.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import { shownStorage } from '../settings/storage-address.ts';
import { SETTINGS, type Settings } from '../settings.ts';
import { StoreFailure } from '../store/engine.ts';
import { postgresEngine } from '../store/postgres.ts';
import type { Network } from '../system/network.ts';
import { blocking, type Check, fine } from './doctor-computer.ts';

/** With the probe that every paid call makes before it pays. @returns nothing where none is set, or its keys are not: that is reported already */
export async function checkStorage(settings: Settings, network: Network, clock: Clock): Promise<Check[]> {
  const { storage: address, storageKeys: keys, stateDir, homeDir } = settings;
  if (address === undefined || keys === undefined) return [];
  try {
    await new S3Library({ address, keys, stateDir, homeDir, network, clock }).proveWritable();
    return [fine('storage', `${shownStorage(address)}: takes videos`)];
  } catch (error) {
    if (error instanceof Problem) return [blocking('storage', error.message, error.hint)];
    throw error;
  }
}

interface StoreCheck {
  /** A person has compared the tasks with the bill: paid calls go on with the database as it is now. */
  readonly isAccepted: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** @returns nothing where no shared database is set */
export async function checkStore(settings: Settings, { isAccepted, clock, log }: StoreCheck): Promise<Check[]> {
  const { store: address, storeListen: listenAddress } = settings;
  if (address === undefined) return [];
  const engine = postgresEngine({ address, listenAddress, clock, log });
  const name = SETTINGS.store.name;
  try {
    const wasReplaced = await engine.whyReplaced();
    if (wasReplaced === undefined) return [fine(name, `${engine.place}: reachable, and keeps what it has committed`)];
    if (!isAccepted) return [blocking(name, wasReplaced.message, wasReplaced.hint)];
    await engine.accept();
    return [fine(name, `${engine.place}: accepted as it is now; paid calls go on`)];
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    return [blocking(name, `${error.message}.`, 'correct it, or start the database server')];
  } finally {
    await engine.close();
  }
}
