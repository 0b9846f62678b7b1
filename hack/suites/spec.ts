/** One spec of a ginkgo suite, as a dry run tells it. */
import { isRecord } from './json.ts';

export interface Spec {
  /** All texts from the outermost container to the leaf, joined by spaces: what ginkgo's focus matches. */
  readonly name: string;
  readonly labels: readonly string[];
}

/** Groups of specs have no SIG in critest; they are gathered under this name. */
export const NO_SIG = 'none';

/** `sig-node` of `[sig-node] Pods should ...`. */
export function sigOf(name: string): string {
  return /\[(sig-[a-z-]+)\]/.exec(name)?.[1] ?? NO_SIG;
}

/** Whether a spec must have the cluster for itself. */
export function isSerial(spec: Spec): boolean {
  return spec.labels.includes('Serial') || spec.name.includes('[Serial]');
}

export function isConformance(spec: Spec): boolean {
  return spec.labels.includes('Conformance');
}

/**
 * The specs in a JSON report of ginkgo (`--ginkgo.dry-run --ginkgo.json-report`), in its order; setup nodes are left
 * out. A name that stands twice (table entries do that) is given once: ginkgo's focus cannot tell them apart either.
 *
 * @throws Error when the text is no such report
 */
export function parseSpecs(report: string): Spec[] {
  const suites: unknown = JSON.parse(report);
  if (!Array.isArray(suites) || suites.length === 0) throw new Error('the dry run reports no suite');
  const specs = new Map<string, Spec>();
  for (const suite of suites) {
    const reports: unknown = isRecord(suite) ? suite['SpecReports'] : undefined;
    if (!Array.isArray(reports)) throw new Error('the dry run reports no specs');
    for (const one of reports) {
      if (!isRecord(one) || one['LeafNodeType'] !== 'It') continue;
      const name = [...texts(one['ContainerHierarchyTexts']), ...texts([one['LeafNodeText']])].join(' ');
      const labels = [
        ...lists(one['ContainerHierarchyLabels']).flatMap(texts),
        ...texts(one['LeafNodeLabels']),
      ];
      if (!specs.has(name)) specs.set(name, { name, labels: [...new Set(labels)] });
    }
  }
  return [...specs.values()];
}

function lists(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(value: unknown): string[] {
  return lists(value).filter((text): text is string => typeof text === 'string' && text !== '');
}
