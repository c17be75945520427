/** Sends the AWS client's requests on this program's connections: its proxies and certificates are those of all others. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { rfc3986 } from '../jimeng/signature.ts';
import { errorCode } from '../system/files.ts';
import type { Network } from '../system/network.ts';

/** Of an answer's head, and between two pieces of a body: a part of 5 MB takes less on any line that is of use. */
const IDLE_LIMIT_MILLISECONDS = 60_000;

const CODES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_BODY_TIMEOUT: 'ETIMEDOUT',
};

/** As the client's own handlers take and answer it. */
interface Asked {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export function requestsThrough(network: Network) {
  const handle = async (asked: Asked, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) => {
    const { protocol, hostname, port, path, query, method, body } = asked;
    const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
    // As it was signed: a URL would change some of its letters.
    const target = `${path}${queryOf(query)}`;
    // undici refuses it, and the signature leaves it out.
    const headers = Object.fromEntries(Object.entries(asked.headers).filter(([name]) => !/^expect$/i.test(name)));
    const dispatcher = await network.shared(url);
    const answer = await dispatcher
      .request({
        ...{ origin: url.origin, path: target, method: method as 'GET', headers, body: body ?? null },
        ...{ headersTimeout: IDLE_LIMIT_MILLISECONDS, bodyTimeout: IDLE_LIMIT_MILLISECONDS },
        ...(abortSignal === undefined ? {} : { signal: abortSignal }),
      })
      .catch(asKnownError);
    const given = Object.entries(answer.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    );
    return { response: { statusCode: answer.statusCode, headers: Object.fromEntries(given), body: answer.body } };
  };
  return { handle, metadata: { handlerProtocol: 'http/1.1' } } as unknown as NonNullable<
    S3ClientConfig['requestHandler']
  >;
}

/** The client repeats what failed by codes that it knows: an idle connection that the storage had just closed, for one. */
function asKnownError(error: unknown): never {
  const known = CODES[errorCode(error) ?? ''];
  throw known === undefined
    ? error
    : Object.assign(new Error('the request was cut', { cause: error }), { code: known });
}

function queryOf(query: Asked['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${rfc3986(name)}${one === null ? '' : `=${rfc3986(one)}`}`),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
