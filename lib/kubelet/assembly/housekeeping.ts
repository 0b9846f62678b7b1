/** What keeps the node's disk from filling: dead containers, unused images, logs. */
import { ImageGc } from '../images/image_gc.ts';
import { LogRotation } from '../logs/log_rotation.ts';
import { ContainerGc } from '../runtime/container_gc.ts';
import type { Base } from './base.ts';
import type { ImageParts } from './images.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';
import type { Workers } from './workers.ts';

export interface Housekeeping {
  readonly containerGc: ContainerGc;
  readonly imageGc: ImageGc;
}

export function startHousekeeping(kubelet: Base & Runtime & Pods & ImageParts & Workers): Housekeeping {
  const {
    background,
    cache,
    clock,
    config,
    containerLogs: logs,
    containerStop: stop,
    cri,
    events,
    log,
    signal,
  } = kubelet;
  const containerGc = new ContainerGc({
    limits: kubelet.flags.deadContainers,
    cri,
    cache,
    logs,
    stop,
    clock,
    log,
  });
  background.start('Container garbage collection failed', containerGc.run(signal));
  const imageGc = new ImageGc({
    cri,
    policy: {
      highThresholdPercent: config.imageGCHighThresholdPercent,
      lowThresholdPercent: config.imageGCLowThresholdPercent,
      minAgeMs: config.imageMinimumGCAge,
      maxAgeMs: config.imageMaximumGCAge,
    },
    listed: (ids, atMs) => kubelet.pullRecords.prune(ids, atMs),
    mounted: () =>
      cache
        .pods()
        .flatMap(({ containers }) => containers.flatMap(({ mounts = [] }) => mounts))
        .flatMap(({ image }) => (image === undefined ? [] : [image])),
    events,
    clock,
    log,
  });
  background.start('Image garbage collection failed', imageGc.run(signal));
  const rotation = new LogRotation({
    cri,
    runtime: cache,
    maxSizeBytes: config.containerLogMaxSizeBytes,
    maxFiles: config.containerLogMaxFiles,
    workers: config.containerLogMaxWorkers,
    intervalMs: config.containerLogMonitorInterval,
    clock,
    log,
  });
  background.start('Log rotation failed', rotation.run(signal));
  return { containerGc, imageGc };
}
