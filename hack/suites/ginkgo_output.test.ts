import { GinkgoOutput } from './ginkgo_output.ts';

/** As ginkgo 2.28 prints it. */
const OUTPUT = [
  'Running Suite: Kubernetes e2e suite - /stock',
  '===========================================',
  'Will run 7 of 7579 specs',
  'Running in parallel across 8 processes',
  '•••S',
  '------------------------------',
  '• [FAILED] [4.435 seconds]',
  '[sig-node] ConfigMap [It] should be consumable via the environment [NodeConformance] [Conformance] [sig-node, NodeConformance, Conformance]',
  'k8s.io/kubernetes@v1.36.3/test/e2e/common/node/configmap.go:96',
  '  Timeline >>',
  '  • not a spec',
  '------------------------------',
  '• [TIMEDOUT] [300.001 seconds]',
  '[sig-apps] Job [BeforeEach] should end [Conformance] [sig-apps, Conformance]',
  '------------------------------',
  'S [SKIPPED] [0.001 seconds]',
  '[sig-node] GPU [It] counts [sig-node, Slow]',
  '------------------------------',
  '••',
].join('\n');

test.each([1, 7, 64, 10_000])('in pieces of %i characters', (size) => {
  const failures: string[] = [];
  const output = new GinkgoOutput((name) => failures.push(name));
  for (let i = 0; i < OUTPUT.length; i += size) output.push(OUTPUT.slice(i, i + size));
  expect(output.ended).toEqual({ passed: 5, failed: 2, skipped: 2 });
  expect(failures).toEqual([
    '[sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance]',
    '[sig-apps] Job should end [Conformance]',
  ]);
});

test('a row that is being written counts already, and only once', () => {
  const output = new GinkgoOutput(() => undefined);
  output.push('••');
  expect(output.ended.passed).toBe(2);
  output.push('•\n');
  expect(output.ended.passed).toBe(3);
});
