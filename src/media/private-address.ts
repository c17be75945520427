/** Recognises hosts on this machine or in a private network: unreachable for the provider, and forbidden for redirects. */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Ranges that are not on the public Internet (IANA special-purpose registries, IPv4 and IPv6). */
const PRIVATE_RANGES = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Unspecified, loopback and the deprecated IPv4-compatible addresses.
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const;

/** Never public as a literal; as a resolved address it is the fake IP that Clash and Surge give every public name. */
const BENCHMARK_RANGE = ['198.18.0.0', 15] as const;

const PRIVATE_NAMES = /(^|\.)(localhost|local|internal|lan|home\.arpa)$/;

function blockListOf(ranges: Iterable<readonly [string, number]>): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4');
  return list;
}

/** NAT64 (64:ff9b::/96) carries an IPv4 address in its last 32 bits, and reaches what that one names. */
function insideNat64(address: string): string | undefined {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const groups = /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/.exec(canonical);
  if (!groups) return undefined;
  const high = Number.parseInt(groups[1] ?? '0', 16);
  const low = Number.parseInt(groups[2] ?? '0', 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function isListed(list: BlockList, address: string): boolean {
  if (!isIPv6(address)) return list.check(address, 'ipv4');
  const embedded = insideNat64(address);
  return embedded === undefined ? list.check(address, 'ipv6') : list.check(embedded, 'ipv4');
}

/** For an address that a name resolved to. @param address IPv4 or IPv6, without brackets or zone */
export function isPrivateAddress(address: string): boolean {
  return isListed(blockListOf(PRIVATE_RANGES), address);
}

/**
 * For the host of a URL, before it is resolved: names that only mean something inside a network, and literal
 * addresses in every form that a URL takes (`127.1`, `0x7f000001`, `2130706433`, `[::ffff:7f00:1]`).
 * What is no host at all counts as private.
 */
export function isPrivateHost(hostname: string): boolean {
  const bare = hostname.trim().replace(/^\[|\]$/g, '');
  let host: string;
  try {
    host = new URL(`http://${bare.includes(':') ? `[${bare}]` : bare}`).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return true;
  }
  if (isIP(host) !== 0) return isListed(blockListOf([...PRIVATE_RANGES, BENCHMARK_RANGE]), host);
  const name = host.replace(/\.$/, '');
  return !name.includes('.') || PRIVATE_NAMES.test(name);
}
