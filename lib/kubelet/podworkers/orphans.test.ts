import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PodCgroups } from '../cgroups/pod_cgroups.ts';
import type { PodRef, PodRuntimeStatus } from '../contracts.ts';
import type { ContainerLogsDir } from '../runtime/container_logs_dir.ts';
import { findOrphans } from './orphans.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-orphans-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function find(left: {
  runtime?: readonly PodRef[];
  logs?: readonly PodRef[];
  cgroups?: readonly string[];
  directories?: readonly string[];
  known?: readonly string[];
}): Promise<readonly PodRef[]> {
  for (const name of left.directories ?? []) mkdirSync(join(root, 'pods', name), { recursive: true });
  const pods = (left.runtime ?? []).map((ref): PodRuntimeStatus => ({
    ...ref,
    sandboxes: [],
    containers: [],
  }));
  /* oxlint-disable typescript/no-unsafe-type-assertion -- the one call that is made of each */
  return findOrphans({
    dirs: { root, podLogs: '', containerLogs: '' },
    runtime: { pods: () => pods, podStatus: () => undefined, onChange: () => () => undefined },
    cgroups: { pods: async () => left.cgroups ?? [] } as unknown as PodCgroups,
    logs: { pods: async () => left.logs ?? [] } as unknown as ContainerLogsDir,
    known: (uid) => left.known?.includes(uid) === true,
  });
  /* oxlint-enable typescript/no-unsafe-type-assertion */
}

const ref = (uid: string): PodRef => ({ uid, namespace: 'ns', name: `pod-${uid}` });
const bare = (uid: string): PodRef => ({ uid, namespace: '', name: uid });

test.each<[string, Parameters<typeof find>[0], readonly PodRef[]]>([
  ['nothing is left', {}, []],
  ['in the runtime', { runtime: [ref('u')] }, [ref('u')]],
  ['logs alone', { logs: [ref('u')] }, [ref('u')]],
  ['a folder alone', { directories: ['u'] }, [bare('u')]],
  ['a cgroup alone', { cgroups: ['u'] }, [bare('u')]],
  [
    'everything: one entry, with the name that the runtime has',
    { runtime: [ref('u')], logs: [ref('u')], directories: ['u'], cgroups: ['u'] },
    [ref('u')],
  ],
  [
    'pods that somebody wants are left alone',
    { runtime: [ref('u'), ref('v')], directories: ['u', 'v'], cgroups: ['u'], known: ['u'] },
    [ref('v')],
  ],
  ["a folder that is no UID is nobody's", { directories: ['..data', 'a b', 'u'] }, [bare('u')]],
])('%s', async (_what, left, expected) => {
  expect(await find(left)).toEqual(expected);
});
