/** KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1), decoded strictly. Durations are milliseconds. */
import { clientConnection } from '../../component/config/client_connection.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import { decodeFields } from '../../component/config/document.ts';
import type { Infer } from '../../component/config/schema.ts';
import {
  boolean,
  integer,
  json,
  list,
  object,
  optional,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import { durationOr } from './duration_or.ts';
import { extenderSchema } from '../extender/extender_config.ts';

const pluginName = string({ pattern: /^[A-Za-z0-9*][A-Za-z0-9-]*$/, wants: 'the name of a plugin, or "*"' });
const pluginRef = object({ name: pluginName, weight: withDefault(integer({ min: 0, max: 2 ** 31 - 1 }), 0) });
const pluginSet = object({
  enabled: withDefault(list(pluginRef), []),
  disabled: withDefault(list(pluginRef), []),
});

/** The extension points by their names in the file. */
export const POINTS = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
  'placementGenerate',
  'placementScore',
] as const;
export type Point = (typeof POINTS)[number];

const plugins = object({
  preEnqueue: pluginSet,
  queueSort: pluginSet,
  preFilter: pluginSet,
  filter: pluginSet,
  postFilter: pluginSet,
  preScore: pluginSet,
  score: pluginSet,
  reserve: pluginSet,
  permit: pluginSet,
  preBind: pluginSet,
  bind: pluginSet,
  postBind: pluginSet,
  placementGenerate: pluginSet,
  placementScore: pluginSet,
  multiPoint: pluginSet,
});

const profile = object({
  schedulerName: withDefault(
    refine(string(), 'a name that is not empty', (s) => s !== ''),
    'default-scheduler',
  ),
  percentageOfNodesToScore: optional(integer({ min: 0, max: 100 })),
  plugins,
  pluginConfig: withDefault(
    list(object({ name: string({ wants: 'the name of a plugin' }), args: json() })),
    [],
  ),
});

const leaderElection = object({
  leaderElect: withDefault(boolean(), true),
  leaseDuration: durationOr(15_000),
  renewDeadline: durationOr(10_000),
  retryPeriod: durationOr(2000),
  resourceLock: withDefault(string({ oneOf: ['leases'] }), 'leases'),
  resourceName: withDefault(string(), 'kube-scheduler'),
  resourceNamespace: withDefault(string(), 'kube-system'),
});

const schema = object({
  parallelism: withDefault(integer({ min: 1 }), 16),
  leaderElection,
  clientConnection: clientConnection({ qps: 50, burst: 100 }),
  enableProfiling: withDefault(boolean(), true),
  enableContentionProfiling: withDefault(boolean(), true),
  percentageOfNodesToScore: withDefault(integer({ min: 0, max: 100 }), 0),
  podInitialBackoffSeconds: withDefault(integer({ min: 1 }), 1),
  podMaxBackoffSeconds: withDefault(integer({ min: 1 }), 10),
  profiles: withDefault(list(profile), []),
  extenders: withDefault(list(extenderSchema), []),
  delayCacheUntilActive: withDefault(boolean(), false),
});

export type SchedulerConfig = Infer<typeof schema>;
export type ProfileConfig = Infer<typeof profile>;

export const SCHEDULER_CONFIG_KIND: ConfigKind<SchedulerConfig> = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  schema,
};

/** What pods are scheduled by when no profile is configured. */
export const DEFAULT_PROFILE: ProfileConfig = decodeFields({}, 'default profile', profile);
