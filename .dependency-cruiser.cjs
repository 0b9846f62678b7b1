/** The import rule of the house: each layer imports only what lies further down; daemons never each other. */
const layer = (name, from, mayImport) => ({
  name,
  severity: 'error',
  comment: `${from} may import only: itself, ${mayImport.join(', ') || 'nothing of ours'}`,
  from: { path: `^${from}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^(lib|cmd|hack|test|bench)/', pathNot: `^(${[from, ...mayImport].join('|')})/` },
});
const shared = ['lib/cri', 'lib/component', 'lib/client', 'lib/api', 'lib/base'];
// Unit tests may use the fixtures as well, but stay within their daemon.
const tests = (from, mayImport) => ({
  name: `${from.replace('lib/', '')}-tests`,
  severity: 'error',
  from: { path: `^${from}/.*\\.test\\.ts$` },
  to: {
    path: '^(lib|cmd|hack|test|bench)/',
    pathNot: `^(${[from, ...mayImport, 'test/fixtures'].join('|')})/`,
  },
});
const layers = [
  ['lib/base', []],
  ['lib/api', ['lib/base']],
  ['lib/client', ['lib/api', 'lib/base']],
  ['lib/component', ['lib/client', 'lib/api', 'lib/base']],
  ['lib/cri', ['lib/base']],
  ['lib/kubelet', shared],
  ['lib/proxy', shared],
  ['lib/scheduler', shared],
  ['cmd/ts-kubelet', ['lib/kubelet', 'lib/component']],
  ['cmd/ts-kube-proxy', ['lib/proxy', 'lib/component']],
  ['cmd/ts-scheduler', ['lib/scheduler', 'lib/component']],
];
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-vague-names',
      severity: 'error',
      comment: 'a file is named after its one subject',
      from: {},
      to: { path: '(^|/)(utils?|helpers?|common|misc)(/|\\.ts$)', pathNot: 'node_modules' },
    },
    ...layers.map(([from, may]) => layer(from.replace('/', '-'), from, may)),
    ...layers.map(([from, may]) => tests(from, may)),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Its parser does not know `await using`, which tests on clusters live by; oxlint looks for cycles there.
    exclude: { path: 'node_modules|^dist|^test/(e2e|faults)/' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.cjs', '.json'] },
  },
};
