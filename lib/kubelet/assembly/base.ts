/** What every part of the kubelet stands on: options, folders, the apiserver, and the life of the process. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeLeftovers } from '../../base/atomic_file.ts';
import type { Clock } from '../../base/clock.ts';
import { WallStamps } from '../../base/wall_stamps.ts';
import { formatDuration } from '../../base/duration.ts';
import { ConfigError } from '../../component/config/document.ts';
import { applyDaemonSettings } from '../../component/daemon_settings.ts';
import type { FeatureGates } from '../../component/feature_gates.ts';
import type { ParsedFlags } from '../../component/flags.ts';
import { reportedVersion } from '../../component/information_flags.ts';
import type { DaemonContext } from '../../component/lifecycle.ts';
import type { RootLogger } from '../../component/logging.ts';
import type { KubeletFlags, KubeletOptions } from '../config/kubelet_config.ts';
import { loadOptions } from '../config/options.ts';
import { gateProblems } from '../config/validation.ts';
import type { KubeletDirs } from '../contracts.ts';
import type { kubeletFlags } from '../flags.ts';
import { prepareRoot } from '../volumes/manager.ts';
import { type ApiAccess, apiAccess } from './api_client.ts';
import { Background } from './background.ts';
import { LockFile, type LockFileOptions } from './lock_file.ts';
import { settleKernel } from './kernel_settings.ts';
import { checkMachine, lowerOomScore } from './machine_checks.ts';

export interface Base extends KubeletOptions, ApiAccess {
  /** The effective configuration as `/configz` shows it. */
  readonly document: Readonly<Record<string, unknown>>;
  /** `v1.36.3` */
  readonly version: string;
  readonly gates: FeatureGates;
  readonly dirs: KubeletDirs;
  readonly clock: Clock;
  /** Ages of what carries a stamp of this machine. */
  readonly stamps: WallStamps;
  readonly log: RootLogger;
  /** Aborts when the kubelet is to end. */
  readonly signal: AbortSignal;
  readonly background: Background;
}

/** Removes what a kubelet that was killed while it wrote left behind. */
async function sweep({ certDir, rootDir }: KubeletFlags, log: RootLogger): Promise<void> {
  const pulls = ['pulling', 'pulled'].map((folder) => join(rootDir, 'image_manager', folder));
  const removed = await removeLeftovers([rootDir, certDir, ...pulls]);
  if (removed.length > 0) log.info('Removed files that were written in part', { files: removed });
}

/** Between looks whether the machine's clock was set. */
const STAMPS_LOOK_MS = 1000;
const CONTAINER_LOGS_DIR = '/var/log/containers';

/** @throws Error when the options or the machine do not allow a start */
export async function createBase(
  flags: ParsedFlags<typeof kubeletFlags>,
  ctx: Pick<DaemonContext, 'clock' | 'log' | 'signal'>,
): Promise<Base> {
  const { clock, log, signal } = ctx;
  const { options, document, warnings } = loadOptions(flags);
  const { config, nodeName } = options;
  const gates = applyDaemonSettings({
    log,
    flags,
    source: flags.values.config || 'command line',
    featureGates: Object.entries(config.featureGates),
    logging: config.logging,
    showHiddenMetricsForVersion: config.showHiddenMetricsForVersion,
  });
  const ungated = gateProblems(config, gates);
  if (ungated.length > 0) throw new ConfigError('kubelet config', ungated);
  for (const warning of warnings) log.warn(warning);
  const version = reportedVersion(flags.values);
  log.info('Kubelet version', { kubeletVersion: version, nodeName });
  await checkMachine(config);
  const lock = await lockFile(options.flags, { clock, log, signal });
  await settleKernel(config, log);
  await lowerOomScore(config.oomScoreAdj, log);

  const dirs: KubeletDirs = {
    root: options.flags.rootDir,
    podLogs: config.podLogsDir,
    containerLogs: CONTAINER_LOGS_DIR,
  };
  await prepareRoot(dirs.root);
  await sweep(options.flags, log);
  await mkdir(dirs.podLogs, { recursive: true, mode: 0o755 });
  const background = new Background({ clock, log, signal });
  const stamps = new WallStamps(clock);
  background.every('Looking after the clock failed', STAMPS_LOOK_MS, () => {
    const stepMs = stamps.look();
    if (stepMs !== 0) log.warn("The machine's clock was set", { by: formatDuration(stepMs) });
  });
  if (lock !== undefined && options.flags.exitOnLockContention)
    background.start('Looking after the lock file failed', endWhenWanted(lock, log));
  const access = await apiAccess({ options, version, clock, log, signal, background });
  return { ...options, ...access, document, version, gates, dirs, clock, stamps, log, signal, background };
}

async function lockFile(
  { lockFile: path }: KubeletOptions['flags'],
  options: Omit<LockFileOptions, 'path'>,
): Promise<LockFile | undefined> {
  return path === '' ? undefined : LockFile.acquire({ ...options, path });
}

async function endWhenWanted(lock: LockFile, log: Pick<RootLogger, 'info'>): Promise<void> {
  await lock.wanted();
  log.info('Lock file contention detected, exiting');
  process.kill(process.pid, 'SIGTERM');
}
