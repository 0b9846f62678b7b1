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
import { IptablesBackend } from './iptables/backend.ts';
import { IptablesPrograms, supportsRandomFully } from './iptables/iptables_programs.ts';
import { NetlinkNetfilter } from './iptables/netlink_netfilter.ts';
import type { Backend } from './backend.ts';
import { cleanup as cleanupNftables } from './nftables/cleanup.ts';
import { NftablesBackend } from './nftables/backend.ts';
import { NetlinkNft } from './nftables/netlink_nft.ts';
import { NftProgram } from './nftables/nft_program.ts';
import type { FamilyPolicy } from './model/policy.ts';
import type { Family } from './model/address.ts';
import { FAMILIES } from './model/address.ts';
import type { MachineSupport } from './node_state.ts';
import { wantsLocalhostNodePorts } from './node_state.ts';
import {
  ROUTE_LOCALNET,
  applySettings,
  conntrackSettings,
  ensure,
  growConntrackTable,
  moduleParameters,
  procSysctls,
} from './sysctls.ts';

/** Writes the configuration as a file that gives the same again. */
export async function writeConfig(config: ProxyConfig, path: string, log: Log): Promise<void> {
  await writeFile(path, stringify(encodeConfig(config, PROXY_CONFIG_KIND), { sortMapEntries: true }));
  log.info('Wrote configuration', { file: path });
}

/** Takes all rules of the proxy out of the kernel. */
export async function cleanUp(log: Log): Promise<void> {
  for (const family of FAMILIES) {
    const failures: unknown[] = [];
    try {
      const chains = await cleanup(new IptablesPrograms({ family }));
      log.info('Removed the rules of the proxy', { ipFamily: family, chains });
    } catch (err) {
      failures.push(err);
    }
    try {
      const removed = await cleanupNftables(new NftProgram({ family }));
      if (removed) log.info('Removed the nftables table of the proxy', { ipFamily: family });
    } catch (err) {
      failures.push(err);
    }
    // One of the two programs need not be there; with neither, nothing was looked at.
    const [first] = failures;
    if (failures.length === 2 && family === 'IPv4') throw first;
    for (const err of failures)
      log.warn('Cannot look for rules', { ipFamily: family, err: errorMessage(err) });
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
  if (config.conntrack.maxPerCore > 0) await growConntrackTable(procSysctls, moduleParameters, log);
  const routeLocalnet =
    wantsLocalhostNodePorts(config) && (await ensure(procSysctls, ROUTE_LOCALNET, 1, log));
  const forward = await procSysctls.get('net/ipv4/ip_forward');
  if (forward === '0') log.warn('net.ipv4.ip_forward is 0: this node does not forward packets to pods');
  return { routeLocalnet };
}

/** An address family that this machine can be a proxy for, in the mode that is configured. */
export interface FamilySupport extends MachineSupport {
  readonly family: Family;
  readonly createBackend: (policy: FamilyPolicy, log: Log) => Backend;
  /** Takes out what a proxy in another mode left. Only when our rules are in force. @returns whether there was anything */
  readonly removeOtherModes: () => Promise<boolean>;
}

/**
 * Makes the machine ready and finds the families that it can be a proxy for, both at once. Ends when both have ended.
 *
 * @throws Error when the packet filter cannot be used at all
 */
export async function prepareFamilies(
  config: ProxyConfig,
  log: Log,
  steps: StartSteps = { prepareMachine, probeFamily },
): Promise<FamilySupport[]> {
  const [machine, found] = await Promise.allSettled([
    steps.prepareMachine(config, log),
    probeFamilies(config.mode, log, steps.probeFamily),
  ]);
  if (found.status === 'rejected') throw found.reason;
  if (machine.status === 'rejected') throw machine.reason;
  return found.value.map((support) => ({ ...support, ...machine.value }));
}

/** What {@link prepareFamilies} does at the same time; replaced by tests. */
export interface StartSteps {
  readonly prepareMachine: typeof prepareMachine;
  /** @throws Error when the packet filter cannot be used for that family */
  readonly probeFamily: (mode: ProxyConfig['mode'], family: Family) => Promise<ModeSupport>;
}

async function probeFamilies(
  mode: ProxyConfig['mode'],
  log: Log,
  probe: StartSteps['probeFamily'],
): Promise<Array<ModeSupport & { readonly family: Family }>> {
  const answers = await Promise.allSettled(FAMILIES.map((family) => probe(mode, family)));
  const found = FAMILIES.flatMap((family, i) => {
    const answer = answers[i];
    if (answer?.status === 'fulfilled') return [{ ...answer.value, family }];
    log.warn(`No ${mode} support for this family`, { ipFamily: family, err: errorMessage(answer?.reason) });
    return [];
  });
  if (found.length > 0) return found;
  const [first] = answers;
  const why = first?.status === 'rejected' ? errorMessage(first.reason) : '';
  throw new Error(`${mode} cannot be used for any address family: ${why}`);
}

function probeFamily(mode: ProxyConfig['mode'], family: Family): Promise<ModeSupport> {
  return mode === 'nftables' ? probeNftables(family) : probeIptables(family);
}

export type ModeSupport = Pick<FamilySupport, 'createBackend' | 'removeOtherModes' | 'randomFully'>;

async function probeIptables(family: Family): Promise<ModeSupport> {
  const netfilter = new IptablesPrograms({ family });
  const version = await netfilter.probe();
  return {
    randomFully: supportsRandomFully(version),
    createBackend: (policy, log) =>
      new IptablesBackend({
        netfilter: netfilter.usesNfTables ? new NetlinkNetfilter({ programs: netfilter, log }) : netfilter,
        policy,
        log,
      }),
    // Without nft there cannot have been a proxy in that mode.
    removeOtherModes: () => cleanupNftables(new NftProgram({ family })).catch(() => false),
  };
}

async function probeNftables(family: Family): Promise<ModeSupport> {
  const nft = new NftProgram({ family });
  await nft.probe();
  return {
    randomFully: true,
    createBackend: (policy, log) =>
      new NftablesBackend({ nft: new NetlinkNft({ program: nft, log }), policy, log }),
    removeOtherModes: async () => {
      const netfilter = new IptablesPrograms({ family });
      // Without iptables there cannot have been a proxy in that mode.
      const usable = await netfilter.probe().then(
        () => true,
        () => false,
      );
      return usable && (await cleanup(netfilter)) > 0;
    },
  };
}
