import { downwardFiles } from './payload.ts';
import type { VolumePlugin } from './plugin.ts';
import { DEFAULT_MODE, project, type ProjectionDeps } from './projection.ts';

/** downwardAPI: fields of the pod itself as files. */
export function downwardApiPlugin(
  allocatable: () => Readonly<Record<string, string>>,
  deps: ProjectionDeps,
): VolumePlugin {
  return {
    name: 'kubernetes.io/downward-api',
    supports: (volume) => volume.downwardAPI !== undefined,
    setUp(request) {
      const source = request.volume.downwardAPI ?? {};
      const mode = source.defaultMode ?? DEFAULT_MODE;
      const files = downwardFiles(request.pod, source.items, mode, allocatable());
      return project(request, files, 'memory', deps);
    },
  };
}
