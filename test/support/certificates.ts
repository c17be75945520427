/** Makes certificates of a test authority in DER, valid for an hour, so that no key is in the repository. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

const OID = {
  commonName: '0603550403',
  ecdsaWithSha256: '06082a8648ce3d040302',
  basicConstraints: '0603551d13',
  subjectAltName: '0603551d11',
} as const;

/** One DER value: its tag, its length, its contents. */
function der(tag: number, ...contents: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(contents.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  const bytes = body.length > 0xff ? [0x82, body.length >> 8, body.length & 0xff] : [0x81, body.length];
  return Buffer.concat([Buffer.from([tag, ...(body.length < 0x80 ? [body.length] : bytes)]), body]);
}

const sequence = (...contents: readonly (Buffer | string)[]) => der(0x30, ...contents);
const nameOf = (name: string) => sequence(der(0x31, sequence(OID.commonName, der(0x0c, Buffer.from(name)))));
const timeOf = (time: number) => {
  const digits = new Date(time).toISOString().replace(/\D/g, '').slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`));
};
const extension = (oid: string, value: Buffer) => sequence(oid, der(0x04, value));

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

interface Issue {
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly subject: string;
  readonly subjectKey: KeyObject;
  readonly extensions: Buffer;
}

function issue({ issuer, issuerKey, subject, subjectKey, extensions }: Issue): string {
  const version = der(0xa0, '020102');
  const serial = der(0x02, '01', randomBytes(8));
  const hour = 3_600_000;
  const validity = sequence(timeOf(Date.now() - hour), timeOf(Date.now() + hour));
  const publicKey = subjectKey.export({ type: 'spki', format: 'der' });
  const algorithm = sequence(OID.ecdsaWithSha256);
  const names = [algorithm, nameOf(issuer), validity, nameOf(subject)] as const;
  const toSign = sequence(version, serial, ...names, publicKey, der(0xa3, sequence(extensions)));
  const signature = sign('sha256', toSign, { key: issuerKey, dsaEncoding: 'der' });
  return pem(sequence(toSign, algorithm, der(0x03, '00', signature)));
}

export interface Authority {
  /** What NODE_EXTRA_CA_CERTS names. */
  readonly pem: string;
  issue(hostName: string): { readonly key: string; readonly cert: string };
}

export function makeAuthority(name = 'A private authority'): Authority {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const self = { issuer: name, issuerKey: authority.privateKey };
  const isAuthority = extension(OID.basicConstraints, sequence('0101ff'));
  return {
    pem: issue({ ...self, subject: name, subjectKey: authority.publicKey, extensions: isAuthority }),
    issue(hostName) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extensions = extension(OID.subjectAltName, sequence(der(0x82, Buffer.from(hostName))));
      const cert = issue({ ...self, subject: hostName, subjectKey: publicKey, extensions });
      return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    },
  };
}
