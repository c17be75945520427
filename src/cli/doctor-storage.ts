/** Checks the storage for doctor: with the probe that every paid call makes before it pays. */
import type { Clock } from '../clock.ts';
import { S3Library } from '../library/s3.ts';
import { Problem } from '../problems.ts';
import { shownStorage } from '../settings/storage-address.ts';
import type { Settings } from '../settings.ts';
import type { Network } from '../system/network.ts';
import { blocking, type Check, fine } from './doctor-computer.ts';

/** @returns nothing where none is set, or its keys are not: that is reported already */
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
