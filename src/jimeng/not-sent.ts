/** Explains why a request never left this machine: network, proxy or certificate. */
import { Problem } from '../problems.ts';

/** OpenSSL's verdicts as Node names them (nodejs.org/api/tls.html, X509 certificate error codes). */
const CERTIFICATE = /CERT|SELF_SIGNED|LEAF_SIGNATURE/;
const UNREACHED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

/**
 * @param url where the request was to go; undefined: that was not known yet
 * @param proxy the proxy in between, as it may be shown
 */
export function notSent(failure: unknown, url: URL | undefined, proxy: string | undefined): Problem {
  if (failure instanceof Problem) return failure;
  const reason = describeFailure(failure);
  const problem = (what: string, hint?: string) =>
    new Problem('not_sent', { what: `${what}, so nothing was sent.`, hint, cause: failure });
  if (url === undefined) return problem(`The provider could not be reached (${reason})`);
  if (CERTIFICATE.test(reason)) return problem(...certificateAdvice(reason, url.host, proxy));
  if (proxy === undefined) return problem(`The provider could not be reached at ${url.host} (${reason})`);
  const status = /^Proxy response \((\d+)\)/.exec(reason)?.[1];
  if (status === '407') return problem(...passwordAdvice(url, proxy));
  const variable = variableOf(url);
  const around = `correct or remove ${variable}, or name ${url.hostname} in NO_PROXY if it can be reached directly`;
  if (status !== undefined)
    return problem(`The proxy ${proxy} refused the way to ${url.host} (HTTP ${status})`, around);
  if (UNREACHED.test(reason)) return problem(`The proxy ${proxy} could not be reached (${reason})`, around);
  return problem(`The proxy ${proxy} gave no connection to ${url.host} (${reason})`, around);
}

/**
 * @param proxy the one that answered 407, as it may be shown
 * @returns a sentence without its full stop, and the fix
 */
export function passwordAdvice(url: URL, proxy: string): [what: string, hint: string] {
  return [
    `The proxy ${proxy} wants a user name and a password, or does not take the given ones (HTTP 407)`,
    `set ${variableOf(url)} to http://USER:PASSWORD@HOST:PORT with those that the proxy takes`,
  ];
}

function variableOf(url: URL): string {
  return url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
}

function certificateAdvice(reason: string, host: string, proxy: string | undefined): [what: string, hint: string] {
  const shown = proxy?.startsWith('https:') ? `The certificate of ${host}, or of the proxy ${proxy},` : '';
  const subject = shown === '' ? `The certificate of ${host}` : shown;
  if (/ALTNAME|HOSTNAME/.test(reason)) {
    return [`${subject} is for another name (${reason})`, 'check the network, the proxy and JIMENG_VIDEO_API_URL'];
  }
  if (/EXPIRED|NOT_YET_VALID/.test(reason)) {
    return [`${subject} is not valid now (${reason})`, "check this computer's clock, and who answers in this network"];
  }
  return [
    `${subject} is signed by nobody that this computer trusts (${reason})`,
    'if a proxy or a firewall of yours signs with its own authority, set NODE_EXTRA_CA_CERTS to the PEM file of that authority and restart',
  ];
}

/** The innermost cause's code or message, which undici and Node wrap. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  if (inner instanceof Error) return describeFailure(inner);
  const code = (error as NodeJS.ErrnoException).code;
  if (error.message.startsWith('Proxy response (')) return error.message.slice(0, 120);
  return typeof code === 'string' ? code : error.message.slice(0, 120);
}
