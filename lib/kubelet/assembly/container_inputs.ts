/** What containers are given: volumes, environment, names and addresses of others. */
import { createInformer } from '../../client/informer.ts';
import { RUNTIME_CLASSES, SERVICES } from '../../client/resource.ts';
import type { Pod } from '../../api/types.ts';
import type { EnvResolver, PodDnsConfigurer, VolumeManager } from '../contracts.ts';
import { createPodDnsConfigurer } from '../dns/configurer.ts';
import { createEnvResolver } from '../env/resolver.ts';
import { ObjectCache } from '../objects/object_cache.ts';
import { envFileReader } from '../volumes/env_file_reader.ts';
import { inTreePlugins } from '../volumes/in_tree.ts';
import { persistentPlugins } from '../volumes/persistent/plugins.ts';
import { createVolumeManager } from '../volumes/manager.ts';
import { createPodCertificates } from '../volumes/pod_certificate.ts';
import { createTrustBundleReader } from '../volumes/trust_bundle.ts';
import { createTokenSource, type TokenSource } from '../volumes/token.ts';
import { podCertificateMetrics } from '../metrics/pod_certificate_metrics.ts';
import { volumeCountMetrics, volumeOperationMetrics } from '../metrics/volume_metrics.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

export interface ContainerInputs {
  readonly objects: ObjectCache;
  readonly tokens: TokenSource;
  readonly volumes: VolumeManager;
  readonly env: EnvResolver;
  readonly dns: PodDnsConfigurer;
  /** The CRI handler of the pod's RuntimeClass, empty without one. Rejects when there is no such class. */
  readonly runtimeHandler: (pod: Pod, signal: AbortSignal) => Promise<string>;
}

export function containerInputs(base: Base & KubeletMetrics & Runtime & Pods & NodeParts): ContainerInputs {
  const { allocatable, background, client, clock, config, dirs, events, health, log, signal } = base;
  const objects = new ObjectCache({
    client,
    createInformer,
    clock,
    strategy: config.configMapAndSecretChangeDetectionStrategy,
  });
  const classes = runtimeClasses(base);
  const tokens = createTokenSource(client, clock, log);
  const certificates = createPodCertificates({
    client,
    node: () => base.reporter.node(),
    events,
    clock,
    log,
    enabled: base.gates.enabled('PodCertificateRequest'),
  });
  podCertificateMetrics(base.metrics, () => certificates.states());
  const volumes = createVolumeManager({
    dirs,
    plugins: [
      ...inTreePlugins({
        objects,
        tokens,
        trustBundles: createTrustBundleReader(
          client,
          clock,
          base.gates.enabled('ClusterTrustBundleProjection'),
        ),
        certificates,
        allocatable,
        clock,
      }),
      ...persistentPlugins({ client, node: () => base.reporter.node() }),
    ],
    objects,
    tokens,
    recursiveReadOnly: (className) => {
      const handler = classes.known(className);
      return health.handlers.some(
        ({ name, features }) => name === handler && features.recursiveReadOnlyMounts,
      );
    },
    clock,
    log,
    observe: volumeOperationMetrics(base.metrics),
  });
  volumeCountMetrics(base.metrics, () => volumes.countByPlugin());
  base.nodeInputs.volumesInUse.push(() => volumes.volumesInUse());
  base.pods.listen({ pod: (pod) => volumes.podChanged(pod) });
  background.start('Volume manager failed', volumes.run(signal));

  const services = createInformer(client, SERVICES, {
    indexers: { namespace: (service) => [service.metadata.namespace ?? ''] },
    clock,
    onError: background.onError('Cannot watch services'),
  });
  if (base.hasApi) background.start('Service informer failed', services.run(signal));
  const env = createEnvResolver({
    objects,
    services: {
      get hasSynced() {
        return services.hasSynced || !base.hasApi;
      },
      services: (namespace) => services.store.byIndex('namespace', namespace),
    },
    allocatable,
    envFiles: envFileReader(dirs),
    events,
  });
  const dns = createPodDnsConfigurer({
    dirs,
    clusterDNS: config.clusterDNS,
    clusterDomain: config.clusterDomain,
    resolvConf: config.resolvConf,
    events,
  });
  return { objects, tokens, volumes, env, dns, runtimeHandler: classes.handler };
}

interface RuntimeClasses {
  readonly handler: ContainerInputs['runtimeHandler'];
  /** The handler of a class by its name, `''` for the default one, undefined while the class is not known. */
  known(className: string | undefined): string | undefined;
}

function runtimeClasses({ background, client, clock, hasApi, signal }: Base): RuntimeClasses {
  const classes = createInformer(client, RUNTIME_CLASSES, {
    clock,
    onError: background.onError('Cannot watch runtime classes'),
  });
  if (hasApi) background.start('Runtime class informer failed', classes.run(signal));
  const known: RuntimeClasses['known'] = (name = '') => (name === '' ? '' : classes.store.get(name)?.handler);
  return {
    known,
    handler: async (pod, waitSignal) => {
      const name = pod.spec.runtimeClassName ?? '';
      if (name !== '' && hasApi) await classes.synced(waitSignal);
      const handler = known(name);
      if (handler === undefined) throw new Error(`RuntimeClass.node.k8s.io "${name}" not found`);
      return handler;
    },
  };
}
