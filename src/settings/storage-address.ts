/** Reads JIMENG_VIDEO_STORAGE: the bucket that finished videos go to. */
import { nearestName } from '../nearest-name.ts';
import type { Parse } from './values.ts';

export interface StorageAddress {
  readonly bucket: string;
  /** Empty, or names with `/` between them. */
  readonly prefix: string;
  /** Undefined: AWS. */
  readonly endpoint: URL | undefined;
  readonly region: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
}

const FORM =
  's3://bucket/prefix?endpoint=https://s3.example.com&region=us-east-1&path_style=true (endpoint: none for AWS; path_style: false unless given)';
const OPTIONS = ['endpoint', 'region', 'path_style'];
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const REGION = /^[a-z0-9][a-z0-9-]{0,62}$/i;

/** The value is not repeated: it may hold keys. */
export const storageAddress: Parse<StorageAddress> = (text, { refuse }) => {
  const wrong = (what: string) => refuse(`${what}; the right form is ${FORM}`);
  const url = URL.parse(text);
  if (url?.protocol !== 's3:') return wrong('must be an address that begins with s3://');
  if (url.username !== '' || url.password !== '') {
    return wrong('must not hold keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  if (!BUCKET.test(url.hostname))
    return wrong('needs the name of a bucket after s3:// (3 to 63 of a-z, 0-9, "." and "-")');
  if (url.port !== '' || url.hash !== '') return wrong('has a port or a # that does not belong there');
  const unknown = [...url.searchParams.keys()].find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) {
    return wrong(
      `has an option "${unknown.slice(0, 40)}" that is none; did you mean ${nearestName(unknown, OPTIONS)}?`,
    );
  }
  const [given, region = given === null ? undefined : 'us-east-1', style = 'false'] = [
    url.searchParams.get('endpoint'),
    url.searchParams.get('region') ?? undefined,
    url.searchParams.get('path_style')?.toLowerCase(),
  ];
  const endpoint = given === null ? undefined : endpointOf(given);
  if (endpoint === null) return wrong('has an endpoint that is no http:// or https:// address without a path and keys');
  if (region === undefined) return wrong('needs region=… where no endpoint is given');
  if (!REGION.test(region)) return wrong('has a region that is none');
  if (style !== 'true' && style !== 'false') return wrong('has a path_style that is neither true nor false');
  const prefix = prefixOf(url.pathname);
  if (prefix === undefined) return wrong('has a prefix that cannot be used');
  return { bucket: url.hostname, prefix, endpoint, region, pathStyle: style === 'true' };
};

function endpointOf(text: string): URL | null {
  const url = URL.parse(text);
  const extras = url === null ? '' : url.username + url.password + url.search + url.hash;
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && extras === '' ? url : null;
}

function prefixOf(pathname: string): string | undefined {
  try {
    const names = decodeURIComponent(pathname)
      .split('/')
      .filter((name) => name !== '');
    return names.some((name) => /^\.{1,2}$|\p{Cc}/u.test(name)) ? undefined : names.join('/');
  } catch {
    return undefined;
  }
}

/** Holds no secret. */
export function shownStorage(storage: StorageAddress | undefined): string {
  if (storage === undefined) return 'the output folder';
  const { bucket, prefix, endpoint, region, pathStyle } = storage;
  const at = endpoint === undefined ? 'AWS' : endpoint.origin;
  return `s3://${bucket}${prefix === '' ? '' : `/${prefix}`} at ${at}, region ${region}, ${pathStyle ? 'path' : 'virtual-hosted'} style`;
}
