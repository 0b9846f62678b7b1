import type { Node, Pod } from '../../api/types.ts';
import type { KubeletConfig } from '../config/kubelet_config.ts';
import type { PodVerdict } from '../podworkers/pod_worker.ts';

export interface AdmissionOptions {
  readonly config: KubeletConfig;
  readonly nodeName: string;
  readonly node: () => Node;
  /** Pods admitted before that are not yet ended. */
  readonly active: () => readonly Pod[];
}

export function nodeAdmission(_options: AdmissionOptions): (pod: Pod) => PodVerdict | undefined {
  return () => undefined;
}
