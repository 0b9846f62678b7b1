/** A containerd of the test file's own, with its client. Needs root. */
import { type ContainerdFixture, startContainerd } from '../../../test/fixtures/containerd.ts';
import type { Container, Pod } from '../../api/types.ts';
import {
  type ContainerConfig,
  connectRuntime,
  type Partially,
  type RuntimeClient,
} from '../../cri/runtime_client.ts';
import { containerAnnotations, containerLabels, sandboxLabels } from '../runtime/runtime_names.ts';

export interface RealContainerd {
  readonly containerd: ContainerdFixture;
  readonly cri: RuntimeClient;
  /** Runs a sandbox for the pod. */
  sandbox(
    pod: Pod,
    options?: { attempt?: number; logDirectory?: string; cgroupParent?: string },
  ): Promise<RealSandbox>;
}

export interface RealSandbox {
  readonly id: string;
  /** Creates a container of busybox in it, labelled as the kubelet labels them; resolves to its id. */
  create(
    name: string,
    command: readonly string[],
    config?: Partially<ContainerConfig> & { attempt?: number },
  ): Promise<string>;
}

/** To be called at the top of a test file: it is up before the file's first test and gone after its last. */
export function realContainerd(): RealContainerd {
  jest.setTimeout(90_000);
  let up: { readonly containerd: ContainerdFixture; readonly cri: RuntimeClient } | undefined;
  beforeAll(async () => {
    const containerd = await startContainerd();
    up = { containerd, cri: connectRuntime({ endpoint: containerd.endpoint }) };
  });
  afterAll(async () => {
    up?.cri.close();
    await up?.containerd.stop();
  });
  const it = (): NonNullable<typeof up> => {
    if (up === undefined) throw new Error('containerd is up from the first test on, not before');
    return up;
  };
  return {
    get containerd() {
      return it().containerd;
    },
    get cri() {
      return it().cri;
    },
    async sandbox(pod, { attempt = 0, logDirectory = '', cgroupParent } = {}) {
      const { containerd, cri } = it();
      const { name, namespace = '', uid = '' } = pod.metadata;
      const sandboxConfig = {
        metadata: { name, namespace, uid, attempt },
        labels: sandboxLabels(pod),
        logDirectory,
        linux: { cgroupParent: cgroupParent ?? containerd.cgroupParent },
      };
      const { podSandboxId: id } = await cri.runPodSandbox({ config: sandboxConfig });
      return {
        id,
        async create(containerName, command, { attempt: restarts = 0, ...config } = {}) {
          const container: Container = { name: containerName, image: containerd.images.busybox };
          const { containerId } = await cri.createContainer({
            podSandboxId: id,
            config: {
              metadata: { name: containerName, attempt: restarts },
              image: { image: containerd.images.busybox },
              command: [...command],
              labels: containerLabels(pod, container),
              annotations: containerAnnotations(pod, container, restarts),
              ...config,
            },
            sandboxConfig,
          });
          return containerId;
        },
      };
    },
  };
}
