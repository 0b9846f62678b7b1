/** Kernel settings that Service traffic needs. */
import { readFile, writeFile } from 'node:fs/promises';
import { errorMessage } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ProxyConfig } from './config/proxy_config.ts';

/** Reads and writes `/proc/sys`; replaced by tests. */
export interface Sysctls {
  /** @param name `net/ipv4/conf/all/route_localnet`. Undefined: this kernel has no such setting. */
  get(name: string): Promise<string | undefined>;
  /** @throws Error when refused (read-only /proc/sys, missing privilege) */
  set(name: string, value: string): Promise<void>;
}

export const procSysctls: Sysctls = {
  async get(name) {
    try {
      return (await readFile(`/proc/sys/${name}`, 'utf8')).trim();
    } catch {
      return undefined;
    }
  },
  set: (name, value) => writeFile(`/proc/sys/${name}`, value),
};

export const ROUTE_LOCALNET = 'net/ipv4/conf/all/route_localnet';
const MIN_PREFIX = 'net/netfilter/nf_conntrack_';

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
