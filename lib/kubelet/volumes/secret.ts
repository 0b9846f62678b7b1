import type { ObjectReader } from '../objects/object_cache.ts';
import { secretFiles } from './payload.ts';
import type { VolumePlugin } from './plugin.ts';
import { DEFAULT_MODE, optionally, project, type ProjectionDeps } from './projection.ts';

/** secret: the keys of a Secret as files in memory, never on disk. */
export function secretPlugin(objects: ObjectReader, deps: ProjectionDeps): VolumePlugin {
  return {
    name: 'kubernetes.io/secret',
    supports: (volume) => volume.secret !== undefined,
    async setUp(request) {
      const source = request.volume.secret ?? {};
      const namespace = request.pod.metadata.namespace ?? '';
      const found = await optionally(
        source.optional,
        objects.secret(namespace, source.secretName ?? '', request.signal),
      );
      const files = secretFiles(found, {
        items: source.items,
        defaultMode: source.defaultMode ?? DEFAULT_MODE,
        optional: source.optional ?? false,
      });
      return project(request, files, 'memory', deps);
    },
  };
}
