/** The Node object as this kubelet registers it, and how an existing one is brought in line. Pure. */
import type { Node, Taint } from '../../api/types.ts';
import type { NewObject } from '../../client/client.ts';
import type { KubeletConfig, KubeletFlags } from '../config/kubelet_config.ts';
import type { OwnStatus } from './status.ts';

export interface RegistrationInput {
  readonly nodeName: string;
  readonly hostname: string;
  readonly architecture: string;
  readonly config: Pick<KubeletConfig, 'registerWithTaints' | 'providerID' | 'enableControllerAttachDetach'>;
  readonly flags: Pick<KubeletFlags, 'nodeLabels' | 'cloudProvider' | 'nodeIPs'>;
}

const MANAGED_ATTACH = 'volumes.kubernetes.io/controller-managed-attach-detach';

/** Labels that every kubelet sets and keeps. */
export function defaultLabels(
  input: Pick<RegistrationInput, 'hostname' | 'architecture'>,
): Record<string, string> {
  return {
    'kubernetes.io/hostname': input.hostname,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': input.architecture,
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': input.architecture,
  };
}

function annotations({ config, flags }: RegistrationInput): Record<string, string> {
  return {
    ...(config.enableControllerAttachDetach ? { [MANAGED_ATTACH]: 'true' } : {}),
    ...(flags.cloudProvider === 'external' && flags.nodeIPs.length > 0
      ? { 'alpha.kubernetes.io/provided-node-ip': flags.nodeIPs.join(',') }
      : {}),
  };
}

export function initialNode(input: RegistrationInput, status: OwnStatus): NewObject<Node> {
  const { config, flags } = input;
  const taints: Taint[] = [...config.registerWithTaints];
  if (flags.cloudProvider === 'external') {
    taints.push({
      key: 'node.cloudprovider.kubernetes.io/uninitialized',
      value: 'true',
      effect: 'NoSchedule',
    });
  }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: input.nodeName,
      labels: { ...defaultLabels(input), ...flags.nodeLabels },
      annotations: annotations(input),
    },
    spec: {
      ...(config.providerID === '' ? {} : { providerID: config.providerID }),
      ...(taints.length === 0 ? {} : { taints }),
    },
    status,
  };
}

/** Of `--node-labels` those that follow the machine, and so the flag. */
const KEPT_LABELS = new Set([
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  ...Object.keys(defaultLabels({ hostname: '', architecture: '' })),
]);

/**
 * What has to change in the metadata of a Node that was there before: the labels every kubelet sets, those of
 * `--node-labels` that say where and on what it runs, the volume annotation, and the provider ID where there is none. Other
 * `--node-labels` and taints apply at registration only: what an administrator changed since is theirs. `undefined`:
 * nothing.
 */
export function reconcilePatch(node: Node, input: RegistrationInput): unknown {
  const differing = (have: Readonly<Record<string, string>> | undefined, want: Record<string, string>) =>
    Object.entries(want).filter(([key, value]) => have?.[key] !== value);
  const kept = Object.entries(input.flags.nodeLabels).filter(([key]) => KEPT_LABELS.has(key));
  const wanted = { ...defaultLabels(input), ...Object.fromEntries(kept) };
  const labels = Object.fromEntries(differing(node.metadata.labels, wanted));
  const notes: Record<string, string | null> = Object.fromEntries(
    differing(node.metadata.annotations, annotations(input)),
  );
  if (
    !input.config.enableControllerAttachDetach &&
    node.metadata.annotations?.[MANAGED_ATTACH] !== undefined
  ) {
    notes[MANAGED_ATTACH] = null;
  }
  const providerID = input.config.providerID;
  const patch = {
    ...(Object.keys(labels).length + Object.keys(notes).length === 0
      ? {}
      : { metadata: { labels, annotations: notes } }),
    ...(providerID !== '' && (node.spec?.providerID ?? '') === '' ? { spec: { providerID } } : {}),
  };
  return Object.keys(patch).length === 0 ? undefined : patch;
}
