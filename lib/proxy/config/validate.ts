/** What must hold between fields of the configuration, and what this proxy cannot do. Pure. */
import { formatDuration } from '../../base/duration.ts';
import type { Problem } from '../../component/config/schema.ts';
import { AddressRange } from '../model/address.ts';
import { modeSettings } from './mode_settings.ts';
import type { ProxyConfig } from './proxy_config.ts';

// IFNAMSIZ is 16 with the terminating zero; what is allowed here is what networks tools allow and no rule can misread.
const INTERFACE_NAME = /^[A-Za-z0-9_.:@-]{1,15}$/;

/** Everything that is wrong; empty: the configuration can be used. */
export function configProblems(config: ProxyConfig): Problem[] {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string): void => {
    problems.push({ path, message });
  };
  const { mode, detectLocal, detectLocalMode, nodePortAddresses, portRange, winkernel } = config;
  if (mode !== 'iptables' && mode !== 'nftables')
    refuse(
      'mode',
      `got "${mode}", want "iptables" or "nftables": this release of the proxy has no other mode`,
    );
  const { syncPeriod, minSyncPeriod } = modeSettings(config);
  if (syncPeriod < minSyncPeriod) {
    refuse(
      `${mode}.syncPeriod`,
      `got "${formatDuration(syncPeriod)}", want at least ${mode}.minSyncPeriod ("${formatDuration(minSyncPeriod)}")`,
    );
  }
  const ranges = clusterRanges(config);
  if (ranges === undefined) {
    refuse(
      'clusterCIDR',
      `got "${config.clusterCIDR}", want a CIDR range, or one of each family separated by a comma`,
    );
  }
  if (detectLocalMode === 'BridgeInterface' && !INTERFACE_NAME.test(detectLocal.bridgeInterface)) {
    refuse(
      'detectLocal.bridgeInterface',
      `got "${detectLocal.bridgeInterface}", want the name of an interface`,
    );
  }
  if (detectLocalMode === 'InterfaceNamePrefix' && !INTERFACE_NAME.test(detectLocal.interfaceNamePrefix)) {
    refuse(
      'detectLocal.interfaceNamePrefix',
      `got "${detectLocal.interfaceNamePrefix}", want the beginning of interface names`,
    );
  }
  const primary = nodePortAddresses.includes('primary');
  if (primary && nodePortAddresses.length > 1) {
    refuse('nodePortAddresses', 'want either "primary" alone or CIDR ranges, not both');
  }
  for (const [i, text] of nodePortAddresses.entries()) {
    if (text !== 'primary' && AddressRange.parse(text) === undefined) {
      refuse(`nodePortAddresses[${i}]`, `got "${text}", want a CIDR range or "primary"`);
    }
  }
  if (portRange !== '' && portRange !== '0-0') {
    refuse('portRange', `got "${portRange}", want it empty: the userspace mode that used it is gone`);
  }
  if (
    Object.values(winkernel).some((value) => value !== '' && value !== false) ||
    config.windowsRunAsService
  ) {
    refuse(config.windowsRunAsService ? 'windowsRunAsService' : 'winkernel', 'is for Windows nodes only');
  }
  return problems;
}

/** Fields that are set and that nothing reads in this mode: said once, since stock takes them in silence. */
export function fieldsWithoutEffect(config: ProxyConfig): Array<{ field: string; why: string }> {
  const { ipvs, mode, enableProfiling } = config;
  const found: Array<{ field: string; why: string }> = [];
  for (const [name, value] of Object.entries(ipvs)) {
    const isSet = Array.isArray(value) ? value.length > 0 : value !== '' && value !== 0 && value !== false;
    if (isSet) found.push({ field: `ipvs.${name}`, why: `the mode is ${mode}` });
  }
  if (enableProfiling)
    found.push({ field: 'enableProfiling', why: 'profiles are taken by the --inspect flag of Node.js' });
  return found;
}

/** Ranges of `clusterCIDR`; undefined when it is not valid. */
export function clusterRanges(config: Pick<ProxyConfig, 'clusterCIDR'>): AddressRange[] | undefined {
  const texts = config.clusterCIDR.split(',').filter((text) => text !== '');
  const parsed = texts.map((text) => AddressRange.parse(text.trim()));
  const ranges = parsed.filter((range) => range !== undefined);
  const families = new Set(ranges.map((range) => range.family));
  return ranges.length === texts.length && families.size === ranges.length ? ranges : undefined;
}
