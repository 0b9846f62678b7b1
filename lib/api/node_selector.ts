/** Node selectors: which nodes a pod with required node affinity, or a local volume, may be on. */
import { isRequirementOperator, requirementMatches, valuesProblem } from './requirement.ts';
import type { Labels } from './requirement.ts';
import type { Affinity, Node, NodeSelector, NodeSelectorTerm, Pod } from './types.ts';

type Expressions = NodeSelectorTerm['matchExpressions'];

/**
 * Whether the node fulfils any of the terms. A term without expressions matches no node, nor does a selector without
 * terms; neither does a term that is malformed (the API lets none in).
 */
export function nodeSelectorMatches(selector: NodeSelector, node: Node): boolean {
  return (selector.nodeSelectorTerms ?? []).some((term) => nodeSelectorTermMatches(term, node));
}

/** Whether the node fulfils every expression of the term. An empty term matches no node. */
export function nodeSelectorTermMatches(term: NodeSelectorTerm, node: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  // `metadata.name` is the only field that the API allows here.
  const fields = { 'metadata.name': node.metadata.name };
  return (
    expressionsMatch(matchExpressions, node.metadata.labels ?? {}) &&
    matchFields.every(({ key }) => key === 'metadata.name') &&
    expressionsMatch(matchFields, fields)
  );
}

function expressionsMatch(expressions: NonNullable<Expressions>, labels: Labels): boolean {
  return expressions.every(({ key, operator, values = [] }) => {
    if (!isRequirementOperator(operator) || valuesProblem(operator, values) !== undefined) return false;
    return requirementMatches({ key, operator, values }, labels);
  });
}

/** Whether every label of a pod's `nodeSelector` is on the node. */
export function nodeLabelsMatch(wanted: Labels | undefined, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  return Object.entries(wanted ?? {}).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}

/** Whether the pod's `nodeSelector` and required node affinity both allow the node. */
export function podAllowsNode(pod: Pod, node: Node): boolean {
  if (!nodeLabelsMatch(pod.spec.nodeSelector, node)) return false;
  const required = requiredNodeSelector(pod.spec.affinity);
  return required === undefined || nodeSelectorMatches(required, node);
}

export function requiredNodeSelector(affinity: Affinity | undefined): NodeSelector | undefined {
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
}
