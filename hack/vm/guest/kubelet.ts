/** The kubelet's unit and the control groups that it makes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { containerdConfig, parseContainerdVersion } from '../../cluster/containerd_config.ts';
import { KUBELET_CONFIG, nodeConfig } from '../cluster.ts';
import { command } from './machine.ts';

export const KUBELET = 'ts-kubelet.service';
export type Driver = 'cgroupfs' | 'systemd';
export type Qos = 'guaranteed' | 'burstable' | 'besteffort';

/** Writes containerd's and the kubelet's configuration; both have to be restarted. */
export async function configure(driver: Driver, changes: Readonly<Record<string, unknown>>): Promise<void> {
  const version = parseContainerdVersion(await command('containerd', '--version'));
  if (version === undefined) throw new Error('containerd tells no version');
  mkdirSync('/etc/containerd', { recursive: true });
  writeFileSync(
    '/etc/containerd/config.toml',
    containerdConfig({
      version,
      sandboxImage: 'ts-kubernetes.local/pause:dev',
      cniPluginDir: '/usr/lib/cni',
      restrictOomScoreAdj: false,
      systemdCgroup: driver === 'systemd',
    }),
  );
  mkdirSync('/var/lib/kubelet', { recursive: true });
  writeFileSync(KUBELET_CONFIG, nodeConfig({ cgroupDriver: driver, ...changes }));
}

/** The group of a class of pods, below the root of the hierarchy. */
export function qosGroup(driver: Driver, qos: Qos): string {
  if (driver === 'cgroupfs') return qos === 'guaranteed' ? 'kubepods' : `kubepods/${qos}`;
  return qos === 'guaranteed' ? 'kubepods.slice' : `kubepods.slice/kubepods-${qos}.slice`;
}

export function podGroup(driver: Driver, qos: Qos, uid: string): string {
  const parent = qosGroup(driver, qos);
  if (driver === 'cgroupfs') return `${parent}/pod${uid}`;
  return `${parent}/${podSlice(qos, uid)}`;
}

/** Name of the unit that systemd has for a pod's group. */
export function podSlice(qos: Qos, uid: string): string {
  return `kubepods-${qos === 'guaranteed' ? '' : `${qos}-`}pod${uid.replaceAll('-', '_')}.slice`;
}

export function containerGroup(driver: Driver, pod: string, containerId: string): string {
  return driver === 'cgroupfs' ? `${pod}/${containerId}` : `${pod}/cri-containerd-${containerId}.scope`;
}
