/** Checks for doctor what several computers may share: the storage of finished videos, the database, and who may use a server. */
import type { Clock } from '../clock.ts';
import { S3Library } from '../library/s3.ts';
import { type Log, reasonOf, silentLog } from '../log.ts';
import { Problem } from '../problems.ts';
import { shownStorage } from '../settings/storage-address.ts';
import { SETTINGS, type Settings } from '../settings.ts';
import { StoreFailure } from '../store/engine.ts';
import { postgresEngine } from '../store/postgres.ts';
import { placeOf } from '../store/postgres-connect.ts';
import { errorCode } from '../system/files.ts';
import type { Network } from '../system/network.ts';
import { blocking, type Check, fine, toFix } from './doctor-computer.ts';

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
  const name = 'database';
  try {
    const wasReplaced = await engine.whyReplaced();
    if (wasReplaced !== undefined && !isAccepted) return [blocking(name, wasReplaced.message, wasReplaced.hint)];
    if (wasReplaced !== undefined) await engine.accept();
    const state =
      wasReplaced === undefined
        ? 'reachable, and keeps what it has committed'
        : 'accepted as it is now; paid calls go on';
    const found = [fine(name, `${engine.place}: ${state}`)];
    if (listenAddress === undefined) return found;
    const why = await engine.whyNoNotifications();
    if (why === undefined) return [...found, fine(name, `${placeOf(listenAddress)}: notifications arrive`)];
    const message = `${placeOf(listenAddress)} brings no notifications (${why}), so the database is polled every 2 s.`;
    const hint = `set ${SETTINGS.storeListen.name} to the direct address of the same database, or remove it`;
    return [...found, toFix(name, message, hint)];
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    return [blocking(name, `${error.message}.`, hintFor(error))];
  } finally {
    await engine.close();
  }
}

/** What `serve` needs besides. @returns nothing where nobody is set who may use a server */
export async function checkAccess(
  settings: Settings,
  shared: { readonly network: Network; readonly clock: Clock },
): Promise<Check[]> {
  const { tokensFile, oauthIssuer: issuer } = settings;
  if (tokensFile === undefined && issuer === undefined) return [];
  const name = 'people';
  try {
    const { openAccess } = await import('../serve/serve.ts');
    await openAccess(settings, '127.0.0.1', { ...shared, log: silentLog });
    if (issuer === undefined) return [fine(name, `${tokensFile}: can be read`)];
    const { IssuerKeys } = await import('../serve/issuer-keys.ts');
    const reason = await new IssuerKeys({ issuer, ...shared }).check().then(() => undefined, reasonOf);
    if (reason === undefined) return [fine(name, `${issuer.href}: its keys can be fetched`)];
    const message = `The keys of ${issuer.href} cannot be fetched (${reason.replace(/\.$/, '')}).`;
    return [toFix(name, message, `correct ${SETTINGS.oauthIssuer.name}, or start the authorization server`)];
  } catch (error) {
    if (error instanceof Problem) return [toFix(name, error.message, error.hint)];
    throw error;
  }
}

const STORE = 'JIMENG_VIDEO_STORE';
const USER = `correct the user and the password in ${STORE}`;
const SERVER = `start the database server, or correct its host and port in ${STORE}`;
const TLS = `correct sslmode or sslrootcert in ${STORE}`;

/** By SQLSTATE, or by the code of the connection. */
const HINTS: Readonly<Record<string, string>> = {
  '28P01': USER,
  '28000': USER,
  '3D000': `create that database, or correct its name in ${STORE}`,
  '42501': 'let that user create tables in the database',
  ENOENT: TLS,
  ECONNREFUSED: SERVER,
  ENOTFOUND: SERVER,
  ETIMEDOUT: SERVER,
  EHOSTUNREACH: SERVER,
};

/** What pg reports in words alone. */
const HINTS_BY_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^SASL/, USER],
  [/does not support SSL/, `switch TLS on at the database server, or set sslmode=disable in ${STORE}`],
  [/certificate/i, TLS],
  [/timeout/i, SERVER],
];

function hintFor(failure: StoreFailure): string {
  if (failure.kind === 'busy') return 'run doctor again in some seconds';
  if (failure.hint !== undefined) return failure.hint;
  // The server answered, and its sentence says what it lacks.
  if (failure.cause === undefined) return `change that at the database server, or name another one in ${STORE}`;
  const { cause } = failure;
  const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  const byWords = HINTS_BY_WORDS.find(([words]) => words.test(reasonOf(inner)))?.[1];
  return HINTS[errorCode(inner) ?? ''] ?? byWords ?? `check ${STORE} and the database server`;
}
