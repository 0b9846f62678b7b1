import type { PodDns } from '../contracts.ts';

/** The parts of a resolv.conf(5) that matter; the last `search` and `options` line wins, unknown lines are skipped. */
export function parseResolvConf(text: string): PodDns {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.replace(/[#;].*$/, '').trim();
    const [keyword = '', ...fields] = line.split(/\s+/);
    switch (keyword) {
      case 'nameserver':
        if (fields[0] !== undefined) servers.push(fields[0]);
        break;
      case 'search':
      case 'domain':
        searches = fields.map((name) => (name === '.' ? name : name.replace(/\.$/, '')));
        break;
      case 'options':
        options = fields;
        break;
      default:
        break;
    }
  }
  return { servers, searches, options };
}

export const MAX_SERVERS = 3;
export const MAX_SEARCHES = 32;
export const MAX_SEARCH_CHARS = 2048;

/** What fits into the limits of resolvers, and a sentence for every part that had to be cut. */
export function withinLimits(dns: PodDns): { readonly dns: PodDns; readonly cuts: readonly string[] } {
  const cuts: string[] = [];
  let { servers, searches } = dns;
  if (servers.length > MAX_SERVERS) {
    servers = servers.slice(0, MAX_SERVERS);
    cuts.push(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`,
    );
  }
  let fit = 0;
  let chars = -1;
  for (const name of searches.slice(0, MAX_SEARCHES)) {
    chars += 1 + name.length;
    if (chars > MAX_SEARCH_CHARS) break;
    fit++;
  }
  if (fit < searches.length) {
    searches = searches.slice(0, fit);
    cuts.push(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`,
    );
  }
  return { dns: { servers, searches, options: dns.options }, cuts };
}
