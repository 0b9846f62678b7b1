/**
 * Answers of the Go libraries of Kubernetes 1.36.3 (apimachinery, component-helpers) to random inputs. hack/oracle
 * records them under testdata/.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeSelectorMatches } from './node_selector.ts';
import { computeQOS } from './qos.ts';
import { parseQuantity } from './quantity.ts';
import type { ResourceMap } from './resources.ts';
import { nonZeroRequests, podLimits, podRequests } from './resources.ts';
import type { NodeSelectorTerm, Pod } from './types.ts';

type Amounts = Readonly<Record<string, string>>;

interface PodCase {
  readonly pod: Pod;
  readonly want: {
    readonly requests: Amounts;
    /** With the amounts that the status grants. */
    readonly status: Amounts;
    readonly nonzero: Amounts;
    readonly limits: Amounts;
    readonly qos: string;
  };
}

interface SelectorCase {
  readonly terms: readonly NodeSelectorTerm[];
  readonly labels: Readonly<Record<string, string>>;
  readonly want: boolean;
}

// One JSON value a line.
function recorded(file: string): readonly unknown[] {
  const lines = readFileSync(join(__dirname, 'testdata', file), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line): unknown => JSON.parse(line));
}

/* oxlint-disable typescript/no-unsafe-type-assertion -- our own files, written with these types */
const pods = recorded('pod_resources.jsonl') as readonly PodCase[];
const selectors = recorded('node_selectors.jsonl') as readonly SelectorCase[];
const quantities = recorded('quantities.jsonl') as ReadonlyArray<readonly [string, string]>;
/* oxlint-enable typescript/no-unsafe-type-assertion */

const plain = (map: ResourceMap): Amounts =>
  Object.fromEntries([...map].map(([name, amount]) => [name, amount.toString()]));

test('pods: sums of requests and limits, and the QoS class', () => {
  expect(pods).toHaveLength(120);
  for (const { pod, want } of pods) {
    const got = {
      requests: plain(podRequests(pod)),
      status: plain(podRequests(pod, { useStatus: true })),
      nonzero: plain(nonZeroRequests(pod, { useStatus: true })),
      limits: plain(podLimits(pod)),
      qos: computeQOS(pod),
    };
    expect({ pod, got }).toEqual({ pod, got: want });
  }
});

test('node selectors, malformed terms included', () => {
  expect(selectors).toHaveLength(150);
  for (const { terms, labels, want } of selectors) {
    const got = nodeSelectorMatches({ nodeSelectorTerms: terms }, { metadata: { name: 'n1', labels } });
    expect({ terms, labels, got }).toEqual({ terms, labels, got: want });
  }
});

test('quantities: canonical form', () => {
  expect(quantities).toHaveLength(500);
  for (const [text, want] of quantities) expect([text, parseQuantity(text).toString()]).toEqual([text, want]);
});
