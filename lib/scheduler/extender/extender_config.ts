/** `extenders` of KubeSchedulerConfiguration. */
import type { Infer } from '../../component/config/schema.ts';
import {
  boolean,
  integer,
  list,
  object,
  optional,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import { durationOr } from '../config/duration_or.ts';

const tls = object({
  insecure: withDefault(boolean(), false),
  serverName: withDefault(string(), ''),
  certFile: withDefault(string(), ''),
  keyFile: withDefault(string(), ''),
  caFile: withDefault(string(), ''),
  certData: withDefault(string(), ''),
  keyData: withDefault(string(), ''),
  caData: withDefault(string(), ''),
});

export const extenderSchema = object({
  urlPrefix: refine(string(), 'a URL that starts with http:// or https://', (s) => /^https?:\/\/./.test(s)),
  filterVerb: withDefault(string(), ''),
  preemptVerb: withDefault(string(), ''),
  prioritizeVerb: withDefault(string(), ''),
  weight: withDefault(integer({ min: 0 }), 0),
  bindVerb: withDefault(string(), ''),
  enableHTTPS: withDefault(boolean(), false),
  tlsConfig: optional(tls),
  /** Milliseconds. */
  httpTimeout: durationOr(5000),
  nodeCacheCapable: withDefault(boolean(), false),
  managedResources: withDefault(
    list(object({ name: string(), ignoredByScheduler: withDefault(boolean(), false) })),
    [],
  ),
  ignorable: withDefault(boolean(), false),
});

export type ExtenderConfig = Infer<typeof extenderSchema>;
