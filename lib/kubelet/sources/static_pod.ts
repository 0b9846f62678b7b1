/** A pod manifest from a file to a pod: defaults, name, UID and annotations as stock gives static pods. Pure. */
import { createHash } from 'node:crypto';
import type { Container, Pod } from '../../api/types.ts';
import { defaultPullPolicy } from '../runtime/image_reference.ts';
import { HASH_ANNOTATION, SEEN_ANNOTATION, SOURCE_ANNOTATION } from './pod_manager.ts';
import { referencedResource } from './static_references.ts';

/** A manifest is no pod that can run; the message names the field. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/**
 * @param document the parsed manifest
 * @param origin path of the file or the URL: part of the UID, so that two files are two pods
 * @param mayReferToApi the gate PreventStaticPodAPIReferences is off
 * @throws ManifestError
 */
export function staticPod(
  document: unknown,
  origin: string,
  source: 'file' | 'http',
  nodeName: string,
  seen: string,
  mayReferToApi = false,
): Pod {
  const manifest = record(document, 'the manifest');
  if (manifest['apiVersion'] !== 'v1' || manifest['kind'] !== 'Pod') {
    throw new ManifestError(
      `got apiVersion ${JSON.stringify(manifest['apiVersion'])} and kind ${JSON.stringify(manifest['kind'])}, want v1 and Pod`,
    );
  }
  const metadata = record(manifest['metadata'], 'metadata');
  const spec = record(manifest['spec'], 'spec');
  const name = metadata['name'];
  if (typeof name !== 'string' || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    throw new ManifestError(`metadata.name: got ${JSON.stringify(name)}, want a DNS name`);
  }
  const containers = containersOf(spec['containers'], 'spec.containers');
  if (containers.length === 0) throw new ManifestError('spec.containers: want at least one container');
  const initContainers = containersOf(spec['initContainers'] ?? [], 'spec.initContainers');
  if (spec['ephemeralContainers'] !== undefined)
    throw new ManifestError('spec.ephemeralContainers: a static pod cannot use it');
  const given = typeof metadata['uid'] === 'string' && metadata['uid'] !== '' ? metadata['uid'] : undefined;
  const uid =
    given ??
    createHash('md5')
      .update(`${canonical(manifest)}host:${nodeName}file:${origin}`)
      .digest('hex');
  const annotations = record(metadata['annotations'] ?? {}, 'metadata.annotations');
  const namespace =
    typeof metadata['namespace'] === 'string' && metadata['namespace'] !== ''
      ? metadata['namespace']
      : 'default';
  const pod = {
    ...manifest,
    metadata: {
      ...metadata,
      name: `${name}-${nodeName}`,
      namespace,
      uid,
      creationTimestamp: seen,
      annotations: {
        ...annotations,
        [HASH_ANNOTATION]: uid,
        [SEEN_ANNOTATION]: seen,
        [SOURCE_ANNOTATION]: source,
      },
    },
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      securityContext: {},
      schedulerName: 'default-scheduler',
      ...spec,
      nodeName,
      containers,
      ...(initContainers.length === 0 ? {} : { initContainers }),
      // Nothing but its file ends a static pod.
      tolerations: [...listOf(spec['tolerations']), { operator: 'Exists', effect: 'NoExecute' }],
    },
    status: { phase: 'Pending' },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked above as far as the kubelet relies on it
  const made = pod as Pod;
  const referenced = mayReferToApi ? undefined : referencedResource(made);
  if (referenced !== undefined) throw new ManifestError(`static pods may not reference ${referenced}`);
  return made;
}

function containersOf(value: unknown, path: string): Container[] {
  if (!Array.isArray(value)) throw new ManifestError(`${path}: want a list`);
  return value.map((entry: unknown, i): Container => {
    const container = record(entry, `${path}[${i}]`);
    const { name, image } = container;
    if (typeof name !== 'string' || name === '') throw new ManifestError(`${path}[${i}].name: is required`);
    if (typeof image !== 'string' || image === '')
      throw new ManifestError(`${path}[${i}].image: is required`);
    return {
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: defaultPullPolicy(image),
      ...container,
      name,
      image,
      ...withProbeDefaults(container),
      ...withRequests(container),
    };
  });
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'];

function withProbeDefaults(container: Readonly<Record<string, unknown>>): object {
  const probes = PROBES.filter((name) => container[name] !== undefined).map((name) => {
    const probe = record(container[name], name);
    const defaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
    return [name, { ...defaults, ...probe }] as const;
  });
  return Object.fromEntries(probes);
}

/** A limit without a request is a request as well. */
function withRequests(container: Readonly<Record<string, unknown>>): object {
  if (container['resources'] === undefined) return {};
  const resources = record(container['resources'], 'resources');
  const limits = record(resources['limits'] ?? {}, 'resources.limits');
  const requests = record(resources['requests'] ?? {}, 'resources.requests');
  const text = (from: Readonly<Record<string, unknown>>): Record<string, string> =>
    Object.fromEntries(Object.entries(from).map(([name, value]) => [name, String(value)]));
  return {
    resources: { ...resources, limits: text(limits), requests: { ...text(limits), ...text(requests) } },
  };
}

function record(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ManifestError(`${path}: got ${JSON.stringify(value) ?? 'nothing'}, want an object`);
  }
  return { ...value };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** JSON with sorted keys: the same pod has the same text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
