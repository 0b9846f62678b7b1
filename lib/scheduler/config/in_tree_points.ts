/**
 * The points that the in-tree plugins have in the stock scheduler, and that a file may therefore enable them at. What is done
 * there at PreFilter or PreScore may be done elsewhere here.
 */
import type { Point } from './scheduler_config.ts';

const FILTERS = ['preFilter', 'filter'] as const;
const SCORES = ['preScore', 'score'] as const;

export const IN_TREE_POINTS: Readonly<Record<string, readonly Point[]>> = {
  DefaultBinder: ['bind'],
  DefaultPreemption: ['preEnqueue', 'postFilter'],
  DynamicResources: ['preEnqueue', ...FILTERS, 'postFilter', 'score', 'reserve', 'preBind'],
  ImageLocality: ['score'],
  InterPodAffinity: [...FILTERS, ...SCORES],
  NodeAffinity: [...FILTERS, ...SCORES],
  NodeDeclaredFeatures: FILTERS,
  NodeName: ['filter'],
  NodePorts: FILTERS,
  NodeResourcesBalancedAllocation: SCORES,
  NodeResourcesFit: [...FILTERS, ...SCORES],
  NodeUnschedulable: ['filter'],
  NodeVolumeLimits: FILTERS,
  PodTopologySpread: [...FILTERS, ...SCORES],
  PrioritySort: ['queueSort'],
  SchedulingGates: ['preEnqueue'],
  TaintToleration: ['filter', ...SCORES],
  VolumeBinding: [...FILTERS, ...SCORES, 'reserve', 'preBind'],
  VolumeRestrictions: FILTERS,
  VolumeZone: FILTERS,
};
