import type { ObjectReader } from '../objects/object_cache.ts';
import { configMapFiles } from './payload.ts';
import type { VolumePlugin } from './plugin.ts';
import { DEFAULT_MODE, optionally, project, type ProjectionDeps } from './projection.ts';

/** configMap: the keys of a ConfigMap as files on disk. */
export function configMapPlugin(objects: ObjectReader, deps: ProjectionDeps): VolumePlugin {
  return {
    name: 'kubernetes.io/configmap',
    supports: (volume) => volume.configMap !== undefined,
    async setUp(request) {
      const source = request.volume.configMap ?? {};
      const namespace = request.pod.metadata.namespace ?? '';
      const found = await optionally(
        source.optional,
        objects.configMap(namespace, source.name ?? '', request.signal),
      );
      const files = configMapFiles(found, {
        items: source.items,
        defaultMode: source.defaultMode ?? DEFAULT_MODE,
        optional: source.optional ?? false,
      });
      return project(request, files, 'disk', deps);
    },
  };
}
