/** NFS through the machine's mount program: volumes of pods (`nfs`) and PersistentVolumes (`spec.nfs`). */
import type { VolumePlugin } from '../plugin.ts';
import { mountOnce, unmountByProgram } from './mount_program.ts';
import type { PersistentVolumeSource } from './source.ts';

const NAME = 'kubernetes.io/nfs';

interface NfsTarget {
  readonly server: string;
  readonly path: string;
}

/** `server:path` as mount(8) takes it; IPv6 addresses in brackets. */
export function nfsSource({ server, path }: NfsTarget): string {
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  return `${host}:${path}`;
}

async function mountNfs(
  target: NfsTarget,
  request: { readonly dir: string; readonly signal: AbortSignal },
  options: readonly string[],
): Promise<void> {
  const { dir, signal } = request;
  await mountOnce({ type: 'nfs', source: nfsSource(target), dir, options, signal });
}

export const nfsPlugin: VolumePlugin = {
  name: NAME,
  supports: (volume) => volume.nfs !== undefined,
  async setUp(request) {
    const { server = '', path = '', readOnly = false } = request.volume.nfs ?? {};
    await mountNfs({ server, path }, request, readOnly ? ['ro'] : []);
    return { hostPath: request.dir, readOnly };
  },
  // Not by the system call: it would wait, and the whole kubelet with it, for a server that is gone.
  tearDown: ({ dir }) => unmountByProgram(dir),
};

export const nfsPersistentSource: PersistentVolumeSource = {
  name: NAME,
  supports: (pv) => pv.spec?.nfs !== undefined,
  async setUp(request) {
    const { server = '', path = '', readOnly: always = false } = request.pv.spec?.nfs ?? {};
    const readOnly = always || request.readOnly;
    const options = [...(request.pv.spec?.mountOptions ?? []), ...(readOnly ? ['ro'] : [])];
    await mountNfs({ server, path }, request, options);
    return { hostPath: request.dir, readOnly };
  },
};
