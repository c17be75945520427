/** Which way do requests take: through which proxy, and whose certificates are trusted? */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Settings } from '../settings.ts';
import { isLoopback, type Network } from '../system/network.ts';
import { type Check, fine, toMend, toMendBy } from './doctor-check.ts';

/** What Node reads of the file: each certificate, whatever stands between them. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export function checkProxy({ api }: Settings, network: Network): Check {
  if (api === 'sandbox' || isLoopback(api)) return fine('proxy', 'none: the API is on this computer');
  const problem = network.problemFor(api);
  if (problem !== undefined) return toMendBy('proxy', problem);
  const proxy = network.proxyOf(api);
  const variable = api.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  if (proxy !== undefined) return fine('proxy', `${proxy} (${variable}) for ${api.host}`);
  if (network.isProxied(api)) return fine('proxy', `none: NO_PROXY names ${api.hostname}`);
  return fine('proxy', `none: ${variable} is not set`);
}

/** Node reads the file when it starts, and goes on without it when it cannot. */
export async function checkCertificates({ extraCaCertificates: path }: Settings): Promise<Check> {
  if (path === undefined) return fine('certificates', "Node's own authorities; NODE_EXTRA_CA_CERTS is not set");
  const mend = 'set NODE_EXTRA_CA_CERTS to the full path of a PEM file with certificates, or remove it';
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (typeof text !== 'string') return toMend('certificates', `${path} cannot be read (${text.code}).`, mend);
  const certificates = text.match(CERTIFICATE) ?? [];
  const isBroken = certificates.some((certificate) => {
    try {
      return new X509Certificate(certificate).raw.length === 0;
    } catch {
      return true;
    }
  });
  if (certificates.length === 0 || isBroken) {
    return toMend('certificates', `${path} holds ${isBroken ? 'a broken' : 'no'} certificate.`, mend);
  }
  return fine('certificates', `Node's own authorities and ${certificates.length} of ${path} (NODE_EXTRA_CA_CERTS)`);
}
