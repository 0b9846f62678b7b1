/** Where pods come from: the API, and files and a URL with their mirrors in the API. */
import { createInformer } from '../../client/informer.ts';
import { PODS } from '../../client/resource.ts';
import { MirrorLoop } from '../sources/mirror_loop.ts';
import { MirrorPods } from '../sources/mirror_pods.ts';
import { StaticFiles } from '../sources/static_files.ts';
import { StaticUrl } from '../sources/static_url.ts';
import type { Base } from './base.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';

export interface Sources {
  /** Resolves when every source has been read once: a pod that is unknown then is wanted by nobody. */
  readonly sourcesRead: (signal: AbortSignal) => Promise<void>;
}

export function runSources(kubelet: Base & Pods & NodeParts): Sources {
  const { background, client, clock, config, hasApi, log, nodeName, pods, reporter, signal } = kubelet;
  const mayReferToApi = !kubelet.gates.enabled('PreventStaticPodAPIReferences');
  const informer = createInformer(client, PODS, {
    fieldSelector: `spec.nodeName=${nodeName}`,
    clock,
    onError: background.onError('Cannot watch pods'),
  });
  informer.addHandler({
    add: (pod) => pods.set(pod),
    update: (_old, pod) => pods.set(pod),
    delete: (pod) => pods.delete(pod),
  });
  const mirrors = new MirrorLoop({
    mirrors: new MirrorPods({ client, log, node: () => reporter.node() }),
    pods,
    synced: () => informer.hasSynced,
    clock,
    log,
  });
  const wake = (): void => mirrors.wake();
  pods.listen({ pod: wake, gone: wake, mirror: wake });
  const files =
    config.staticPodPath === ''
      ? undefined
      : new StaticFiles({
          path: config.staticPodPath,
          intervalMs: config.fileCheckFrequency,
          nodeName,
          mayReferToApi,
          pods,
          clock,
          log,
        });
  if (files !== undefined) background.start('Static pods failed', files.run(signal));
  const url =
    config.staticPodURL === ''
      ? undefined
      : new StaticUrl({
          url: config.staticPodURL,
          headers: config.staticPodURLHeader,
          intervalMs: config.httpCheckFrequency,
          nodeName,
          mayReferToApi,
          pods,
          clock,
          log,
        });
  if (url !== undefined) background.start('Static pods failed', url.run(signal));
  if (hasApi) {
    background.start('Pod informer failed', informer.run(signal));
    background.start('Mirror pods failed', mirrors.run(signal));
  }
  return {
    sourcesRead: async (waitSignal) => {
      if (hasApi) await informer.synced(waitSignal);
      await files?.scan();
      // Pods of a URL that does not answer may be running: they must not pass for nobody's.
      await url?.read(waitSignal);
    },
  };
}
