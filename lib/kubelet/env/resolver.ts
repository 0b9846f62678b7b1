import type { EnvVar, Pod } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import {
  ContainerConfigError,
  type AnyContainer,
  type EnvResolver,
  type KubeletEvents,
  type PodNetworkFacts,
} from '../contracts.ts';
import { podEnvField } from '../downward/pod_field.ts';
import { containerResources, resourceField } from '../downward/resource_field.ts';
import { effectiveResources } from '../runtime/pod_level_limits.ts';
import { ObjectUnavailableError, type ObjectReader } from '../objects/object_cache.ts';
import { EnvFileMissingError, type EnvFileReader } from './env_file.ts';
import { expandVariables } from './expansion.ts';
import { serviceVariables, type ServiceView } from './service_variables.ts';

export interface EnvResolverOptions {
  readonly objects: ObjectReader;
  readonly services: ServiceView;
  /** `node.status.allocatable`, for limits that are not set. */
  readonly allocatable: () => Readonly<Record<string, string>>;
  readonly envFiles: EnvFileReader;
  readonly events: Pick<KubeletEvents, 'pod'>;
}

/** The environment of containers; see {@link EnvResolver}. */
export function createEnvResolver(options: EnvResolverOptions): EnvResolver {
  return {
    async containerEnv(pod, container, facts, signal) {
      const scope: Scope = { ...options, pod, container, facts, signal };
      if (!options.services.hasSynced) {
        throw new ContainerConfigError(
          'services have not yet been read at least once, cannot construct envvars',
        );
      }
      try {
        const links = serviceVariables(
          options.services,
          pod.metadata.namespace ?? '',
          pod.spec.enableServiceLinks ?? true,
        );
        const own = await envFrom(scope);
        for (const variable of container.env ?? []) {
          const value = await valueOf(variable, own, links, scope);
          if (value !== undefined) own.set(variable.name, value);
        }
        return new Map([...links, ...own]);
      } catch (err) {
        signal?.throwIfAborted();
        if (err instanceof ContainerConfigError) throw err;
        throw new ContainerConfigError(errorMessage(err), { cause: err });
      }
    },
  };
}

interface Scope extends EnvResolverOptions {
  readonly pod: Pod;
  readonly container: AnyContainer;
  readonly facts: PodNetworkFacts;
  readonly signal: AbortSignal | undefined;
}

async function envFrom(scope: Scope): Promise<Map<string, string>> {
  const variables = new Map<string, string>();
  const namespace = scope.pod.metadata.namespace ?? '';
  for (const from of scope.container.envFrom ?? []) {
    const { configMapRef, secretRef, prefix = '' } = from;
    let data: Iterable<readonly [string, string]> = [];
    let source = '';
    if (configMapRef !== undefined) {
      const name = configMapRef.name ?? '';
      source = `configMap ${namespace}/${name}`;
      const found = await optionally(
        configMapRef.optional,
        scope.objects.configMap(namespace, name, scope.signal),
      );
      data = Object.entries(found?.data ?? {});
    } else if (secretRef !== undefined) {
      const name = secretRef.name ?? '';
      source = `secret ${namespace}/${name}`;
      const found = await optionally(secretRef.optional, scope.objects.secret(namespace, name, scope.signal));
      data = Object.entries(found?.data ?? {}).map(([key, base64]) => [key, decode(base64)] as const);
    }
    const invalid: string[] = [];
    for (const [key, value] of data) {
      const name = prefix + key;
      if (isVariableName(name)) variables.set(name, value);
      else invalid.push(key);
    }
    if (invalid.length > 0) {
      scope.events.pod(
        scope.pod,
        'Warning',
        'InvalidEnvironmentVariableNames',
        `Keys [${invalid.sort().join(', ')}] from the EnvFrom ${source} were skipped since they are considered invalid environment variable names.`,
      );
    }
  }
  return variables;
}

async function valueOf(
  variable: EnvVar,
  own: ReadonlyMap<string, string>,
  links: ReadonlyMap<string, string>,
  scope: Scope,
): Promise<string | undefined> {
  if (variable.value !== undefined && variable.value !== '') {
    // What the pod says itself shadows what services say, also inside references.
    return expandVariables(variable.value, own.size === 0 ? links : new Map([...links, ...own]));
  }
  const from = variable.valueFrom;
  if (from === undefined) return '';
  const { pod, objects, signal } = scope;
  const namespace = pod.metadata.namespace ?? '';
  if (from.fieldRef !== undefined) return podEnvField(pod, from.fieldRef.fieldPath, scope.facts);
  if (from.resourceFieldRef !== undefined) {
    const { containerName } = from.resourceFieldRef;
    const resources =
      containerName === undefined || containerName === '' || containerName === scope.container.name
        ? effectiveResources(pod, scope.container)
        : containerResources(pod, containerName);
    return resourceField(resources, from.resourceFieldRef, scope.allocatable());
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional = false } = from.configMapKeyRef;
    const found = await optionally(optional, objects.configMap(namespace, name, signal));
    const value = ownValue(found?.data, key);
    if (value === undefined && !optional) {
      throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional = false } = from.secretKeyRef;
    const found = await optionally(optional, objects.secret(namespace, name, signal));
    const value = ownValue(found?.data, key);
    if (value === undefined && !optional) {
      throw new ContainerConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return value === undefined ? undefined : decode(value);
  }
  if (from.fileKeyRef !== undefined) {
    const { volumeName, path, key, optional = false } = from.fileKeyRef;
    let file: ReadonlyMap<string, string> | undefined;
    try {
      file = await scope.envFiles(pod, volumeName, path);
    } catch (err) {
      if (!(err instanceof EnvFileMissingError) || !optional) throw err;
    }
    const value = file?.get(key);
    if (value === undefined && !optional) {
      throw new ContainerConfigError(`environment variable key "${key}" not found in file "${path}"`);
    }
    return value;
  }
  return '';
}

// Keys come from users: `constructor` must not find what every object inherits.
function ownValue(data: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
}

async function optionally<T>(optional: boolean | undefined, read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (err) {
    if (optional === true && err instanceof ObjectUnavailableError && err.notFound) return undefined;
    throw err;
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** Printable ASCII but `=`, as the API server accepts for names of variables. */
export function isVariableName(name: string): boolean {
  return /^[ -<>-~]+$/.test(name);
}
