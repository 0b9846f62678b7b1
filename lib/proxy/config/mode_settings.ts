/** The settings that each mode has in a section of its own. */
import type { ProxyConfig } from './proxy_config.ts';

export interface ModeSettings {
  readonly masqueradeAll: boolean;
  readonly masqueradeBit: number;
  /** Milliseconds, as {@link ModeSettings.minSyncPeriod}. */
  readonly syncPeriod: number;
  readonly minSyncPeriod: number;
}

/** Those of the mode that is configured. */
export function modeSettings(config: ProxyConfig): ModeSettings {
  return config.mode === 'nftables' ? config.nftables : config.iptables;
}

/** Fills in defaults that depend on the mode: in nftables mode node ports answer at the node's primary addresses alone. */
export function withModeDefaults(config: ProxyConfig): ProxyConfig {
  if (config.mode !== 'nftables' || config.nodePortAddresses.length > 0) return config;
  return { ...config, nodePortAddresses: ['primary'] };
}
