/** What must hold between fields of the configuration, and what this proxy cannot do. Pure. */
import { formatDuration } from '../../base/duration.ts';
import type { Problem } from '../../component/config/schema.ts';
import { AddressRange } from '../model/address.ts';
import { modeSettings } from './mode_settings.ts';
import type { ProxyConfig } from './proxy_config.ts';
import { splitEndpoint } from './proxy_config.ts';

// IFNAMSIZ is 16 with the terminating zero; what is allowed here is what networks tools allow and no rule can misread.
const INTERFACE_NAME = /^[A-Za-z0-9_.:@-]{1,15}$/;

const WINDOWS_ONLY = 'it is for Windows nodes';

/** Everything that is wrong; empty: the configuration can be used. */
export function configProblems(config: ProxyConfig): Problem[] {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string): void => {
    problems.push({ path, message });
  };
  const { mode, detectLocal, detectLocalMode, nodePortAddresses, configSyncPeriod } = config;
  if (mode !== 'iptables' && mode !== 'nftables')
    refuse(
      'mode',
      `got "${mode}", want "iptables" or "nftables": this release of the proxy has no other mode`,
    );
  const { syncPeriod, minSyncPeriod } = modeSettings(config);
  if (syncPeriod <= 0) refuse(`${mode}.syncPeriod`, `got "${formatDuration(syncPeriod)}", want more than 0s`);
  else if (syncPeriod < minSyncPeriod) {
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
  if (configSyncPeriod <= 0)
    refuse('configSyncPeriod', `got "${formatDuration(configSyncPeriod)}", want more than 0s`);
  for (const field of ['healthzBindAddress', 'metricsBindAddress'] as const) {
    if (splitEndpoint(config[field], 1)?.port === 0)
      refuse(field, `got "${config[field]}", want a port from 1 to 65535`);
  }
  return problems;
}

/** Fields that are set and that nothing reads in this mode or on Linux: said once, since stock takes them in silence. */
export function fieldsWithoutEffect(config: ProxyConfig): Array<{ field: string; why: string }> {
  const { ipvs, winkernel, mode, enableProfiling, portRange, windowsRunAsService } = config;
  const found: Array<{ field: string; why: string }> = [];
  const section = (name: string, fields: Readonly<Record<string, unknown>>, why: string): void => {
    for (const [field, value] of Object.entries(fields))
      if (isSet(value)) found.push({ field: `${name}.${field}`, why });
  };
  section('ipvs', ipvs, `the mode is ${mode}`);
  section('winkernel', winkernel, WINDOWS_ONLY);
  if (windowsRunAsService) found.push({ field: 'windowsRunAsService', why: WINDOWS_ONLY });
  if (portRange !== '' && portRange !== '0-0')
    found.push({ field: 'portRange', why: 'the userspace mode that used it is gone' });
  if (enableProfiling)
    found.push({ field: 'enableProfiling', why: 'profiles are taken by the --inspect flag of Node.js' });
  return found;
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== '' && value !== 0 && value !== false;
}

/** Ranges of `clusterCIDR`; undefined when it is not valid. */
export function clusterRanges(config: Pick<ProxyConfig, 'clusterCIDR'>): AddressRange[] | undefined {
  const texts = config.clusterCIDR.split(',').filter((text) => text !== '');
  const parsed = texts.map((text) => AddressRange.parse(text.trim()));
  const ranges = parsed.filter((range) => range !== undefined);
  const families = new Set(ranges.map((range) => range.family));
  return ranges.length === texts.length && families.size === ranges.length ? ranges : undefined;
}
