/** Kernel settings that Service traffic needs. */
import { readFile, writeFile } from 'node:fs/promises';
import { errorMessage } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ProxyConfig } from './config/proxy_config.ts';

/** Reads and writes settings of the kernel that are files; replaced by tests. */
export interface Sysctls {
  /** @param name below `/proc/sys` e.g. `net/ipv4/conf/all/route_localnet`. Undefined: this kernel has no such setting. */
  get(name: string): Promise<string | undefined>;
  /** @throws Error when refused (read-only /proc/sys, missing privilege) */
  set(name: string, value: string): Promise<void>;
}

function settingsUnder(folder: string): Sysctls {
  return {
    async get(name) {
      try {
        return (await readFile(`${folder}/${name}`, 'utf8')).trim();
      } catch {
        return undefined;
      }
    },
    set: (name, value) => writeFile(`${folder}/${name}`, value),
  };
}

export const procSysctls = settingsUnder('/proc/sys');
/** Parameters of kernel modules: `nf_conntrack/parameters/hashsize`. */
export const moduleParameters = settingsUnder('/sys/module');

export const ROUTE_LOCALNET = 'net/ipv4/conf/all/route_localnet';
const MIN_PREFIX = 'net/netfilter/nf_conntrack_';
const HASH_SIZE = 'nf_conntrack/parameters/hashsize';
/** More connections than that in a bucket make looking one up slow. */
const PER_BUCKET = 4;

/** Settings of connection tracking that the configuration asks for; zero in the configuration leaves one alone. */
export function conntrackSettings(
  config: ProxyConfig['conntrack'],
  cores: number,
): ReadonlyArray<readonly [string, number]> {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const max = config.maxPerCore > 0 ? Math.max(config.maxPerCore * cores, config.min) : 0;
  const settings: ReadonlyArray<readonly [string, number]> = [
    [`${MIN_PREFIX}max`, max],
    [`${MIN_PREFIX}tcp_timeout_established`, seconds(config.tcpEstablishedTimeout)],
    [`${MIN_PREFIX}tcp_timeout_close_wait`, seconds(config.tcpCloseWaitTimeout)],
    [`${MIN_PREFIX}udp_timeout`, seconds(config.udpTimeout)],
    [`${MIN_PREFIX}udp_timeout_stream`, seconds(config.udpStreamTimeout)],
    [`${MIN_PREFIX}tcp_be_liberal`, config.tcpBeLiberal ? 1 : 0],
  ];
  return settings.filter(([, value]) => value > 0);
}

/**
 * Applies settings. A refusal is logged and the rest goes on: in a container they are set by the host (`--init-only`), in a
 * network namespace nf_conntrack_max cannot be set at all.
 */
export async function applySettings(
  sysctls: Sysctls,
  settings: ReadonlyArray<readonly [string, number]>,
  log: Log,
): Promise<void> {
  for (const [name, value] of settings) await ensure(sysctls, name, value, log);
}

/**
 * Gives the table of connections as many buckets as the limit that is in force asks for; it is never made smaller. Only the
 * host's own network namespace may: a refusal is logged.
 */
export async function growConntrackTable(sysctls: Sysctls, modules: Sysctls, log: Log): Promise<void> {
  const wanted = Math.floor(Number((await sysctls.get(`${MIN_PREFIX}max`)) ?? 0) / PER_BUCKET);
  const buckets = Number((await modules.get(HASH_SIZE)) ?? Infinity);
  if (buckets < wanted) await ensure(modules, HASH_SIZE, wanted, log);
}

/** Sets one value. @returns false when it could not be set and is something else */
export async function ensure(sysctls: Sysctls, name: string, value: number, log: Log): Promise<boolean> {
  const before = await sysctls.get(name);
  if (before === String(value)) return true;
  try {
    await sysctls.set(name, String(value));
    log.info('Set sysctl', { entry: name, before: before ?? 'unknown', after: value });
    return true;
  } catch (err) {
    log.warn('Cannot set sysctl; going on without', {
      entry: name,
      is: before ?? 'missing',
      wanted: value,
      err: errorMessage(err),
    });
    return false;
  }
}
