import { renderMarkdown, worse } from './markdown.ts';
import { parseRecorded } from './recorded.ts';

const stock = parseRecorded(
  [
    'passed\t[sig-node] a',
    'passed\t[sig-node] b',
    'failed\t[sig-apps] c',
    'skipped\t[sig-apps] d',
    'flaky\t[sig-apps] e',
  ].join('\n'),
);
const ours = parseRecorded(
  [
    'passed\t[sig-node] a',
    'failed\t[sig-node] b',
    'failed\t[sig-apps] c',
    'skipped\t[sig-apps] d',
    'passed\t[sig-apps] e',
  ].join('\n'),
);
const known = new Map([['[sig-apps] c', 'The kernel has no SCTP.']]);

test('the page', () => {
  expect(
    renderMarkdown({ kubernetes: 'v1.36.3', stock, ours, known, others: [] }).split('\n').slice(9),
  ).toEqual([
    '| SIG | stock passed | stock failed | stock skipped | ours passed | ours failed | ours skipped |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| sig-apps | 1 | 1 | 1 | 1 | 1 | 1 |',
    '| sig-node | 2 | 0 | 0 | 1 | 1 | 0 |',
    '| **all** | 3 | 1 | 1 | 2 | 2 | 1 |',
    '',
    '## Fails with ours, passes with stock',
    '',
    '- `[sig-node] b`',
    '',
    '## Fails with stock components too',
    '',
    'What the machine lacks, in the words of `test/conformance/known.yaml`:',
    '',
    '- The kernel has no SCTP.',
    '  - `[sig-apps] c`',
    '',
    '## Flaky with stock components',
    '',
    '- `[sig-apps] e`',
    '',
  ]);
});

test('a stock failure without a reason stands out', () => {
  const page = renderMarkdown({ kubernetes: 'v1', stock, ours, known: new Map(), others: [] });
  expect(page).toContain('Without a known reason:\n\n- `[sig-apps] c`\n');
});

test('nothing recorded, or one side only', () => {
  const nothing = renderMarkdown({ kubernetes: 'v1', known: new Map(), others: [] });
  expect(nothing).toContain('The conformance suite has not been recorded yet.');
  const half = renderMarkdown({ kubernetes: 'v1', stock, known, others: [] });
  expect(half).toContain('| **all** | 3 | 1 | 1 |  |  |  |');
});

test('other suites follow with a table of their own', () => {
  const page = renderMarkdown({
    kubernetes: 'v1',
    stock,
    ours,
    known,
    others: [
      { suite: 'network', proxyMode: 'iptables', stock, ours },
      { suite: 'conformance', proxyMode: 'nftables', stock, ours },
    ],
  });
  expect(page).toContain(
    '## Other specs: conformance, kube-proxy in nftables mode\n\n`hack/conformance --suite conformance --proxy-mode nftables`\n\n| SIG |',
  );
  expect(page).toContain('## Other specs: network\n\n`hack/conformance --suite network`\n\n| SIG |');
  expect(page).toContain('### Fails with ours, passes with stock\n\n- `[sig-node] b`\n');
});

test('worse is only what stock passes', () => {
  expect(worse(stock, ours)).toEqual(['[sig-node] b']);
  expect(worse(undefined, ours)).toEqual([]);
  expect(worse(stock, undefined)).toEqual([]);
});
