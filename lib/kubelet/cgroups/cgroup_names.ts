/** Names of the kubelet's cgroups under both drivers. Pure. */
export type CgroupDriver = 'cgroupfs' | 'systemd';
export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** A cgroup as a path of plain names from the root, before a driver spells it: `['kubepods', 'burstable', 'pod123']`. */
export type CgroupName = readonly string[];

export function qosCgroup(root: CgroupName, qos: QosClass): CgroupName {
  const base = [...root, 'kubepods'];
  return qos === 'Guaranteed' ? base : [...base, qos.toLowerCase()];
}

export function podCgroup(root: CgroupName, qos: QosClass, uid: string): CgroupName {
  return [...qosCgroup(root, qos), `pod${uid}`];
}

/** `cgroupRoot` of the configuration: `/`, `/a/b`, `a.slice`. */
export function parseCgroupRoot(text: string): CgroupName {
  return text.split('/').filter((part) => part !== '');
}

/**
 * The name as CRI's `cgroupParent` takes it: a path with cgroupfs, a slice with systemd, where `-` separates levels and
 * is `_` in names: `kubepods-burstable-pod1_2.slice`.
 */
export function cgroupParent(name: CgroupName, driver: CgroupDriver): string {
  return driver === 'cgroupfs' ? `/${name.join('/')}` : sliceName(name);
}

/** The path in the file system below the mount point of a hierarchy. */
export function cgroupPath(name: CgroupName, driver: CgroupDriver): string {
  if (driver === 'cgroupfs') return name.join('/');
  return name.map((_, i) => sliceName(name.slice(0, i + 1))).join('/');
}

function sliceName(name: CgroupName): string {
  return `${name.map((part) => part.replace(/\.slice$/, '').replaceAll('-', '_')).join('-')}.slice`;
}

/** The pod's uid, when this is the directory of a pod's cgroup. */
export function podUidOf(directory: string, driver: CgroupDriver): string | undefined {
  if (driver === 'cgroupfs') return /^pod([0-9a-zA-Z-]+)$/.exec(directory)?.[1];
  return /-pod([0-9a-zA-Z_]+)\.slice$/.exec(directory)?.[1]?.replaceAll('_', '-');
}
