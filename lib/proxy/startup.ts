/** What is done once when the proxy starts (or instead of starting): the machine made ready, families found, cleanup. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { stringify } from 'yaml';
import { errorMessage } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { encodeConfig } from '../component/config/document.ts';
import type { ProxyConfig } from './config/proxy_config.ts';
import { PROXY_CONFIG_KIND } from './config/proxy_config.ts';
import { cleanup } from './iptables/cleanup.ts';
import { IptablesPrograms, supportsRandomFully } from './iptables/iptables_programs.ts';
import type { Family } from './model/address.ts';
import { FAMILIES } from './model/address.ts';
import type { MachineSupport } from './node_state.ts';
import { wantsLocalhostNodePorts } from './node_state.ts';
import { ROUTE_LOCALNET, applySettings, conntrackSettings, ensure, procSysctls } from './sysctls.ts';

/** Writes the configuration as a file that gives the same again. */
export async function writeConfig(config: ProxyConfig, path: string, log: Log): Promise<void> {
  await writeFile(path, stringify(encodeConfig(config, PROXY_CONFIG_KIND), { sortMapEntries: true }));
  log.info('Wrote configuration', { file: path });
}

/** Takes all rules of the proxy out of the kernel. */
export async function cleanUp(log: Log): Promise<void> {
  for (const family of FAMILIES) {
    const netfilter = new IptablesPrograms({ family });
    try {
      log.info('Removed the rules of the proxy', { ipFamily: family, chains: await cleanup(netfilter) });
    } catch (err) {
      if (family === 'IPv4') throw err;
      log.warn('Cannot remove IPv6 rules', { err: errorMessage(err) });
    }
  }
}

/** Sets how likely the kernel is to end this process when memory is short; a refusal is no reason not to run. */
export async function applyOomScore(score: number, log: Log): Promise<void> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(score));
  } catch (err) {
    log.warn('Cannot set oom_score_adj; going on without', { wanted: score, err: errorMessage(err) });
  }
}

/** Kernel settings; needs more than CAP_NET_ADMIN, so a refusal must not stop the proxy. */
export async function prepareMachine(
  config: ProxyConfig,
  log: Log,
): Promise<Pick<MachineSupport, 'routeLocalnet'>> {
  await applySettings(procSysctls, conntrackSettings(config.conntrack, availableParallelism()), log);
  const routeLocalnet =
    wantsLocalhostNodePorts(config) && (await ensure(procSysctls, ROUTE_LOCALNET, 1, log));
  const forward = await procSysctls.get('net/ipv4/ip_forward');
  if (forward === '0') log.warn('net.ipv4.ip_forward is 0: this node does not forward packets to pods');
  return { routeLocalnet };
}

/** An address family that this machine has iptables for. */
export interface FamilySupport extends MachineSupport {
  readonly family: Family;
  readonly netfilter: IptablesPrograms;
}

/** @throws Error when iptables cannot be used at all */
export async function probeFamilies(routeLocalnet: boolean, log: Log): Promise<FamilySupport[]> {
  const found: FamilySupport[] = [];
  const failures: unknown[] = [];
  for (const family of FAMILIES) {
    const netfilter = new IptablesPrograms({ family });
    try {
      const version = await netfilter.probe();
      found.push({ family, netfilter, randomFully: supportsRandomFully(version), routeLocalnet });
    } catch (err) {
      failures.push(err);
      log.warn('No iptables support for this family', { ipFamily: family, err: errorMessage(err) });
    }
  }
  if (found.length === 0) {
    throw new Error(`iptables cannot be used for any address family: ${errorMessage(failures[0])}`);
  }
  return found;
}
