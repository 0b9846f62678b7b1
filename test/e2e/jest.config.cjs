/** e2e: one file after the other against the cluster of `hack/up --name ${TSK_E2E_CLUSTER:-e2e}`; see CONTRIBUTING.md. */
const base = require('../../jest.config.cjs');
module.exports = {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/e2e'],
  testMatch: ['<rootDir>/test/e2e/**/*.e2e.ts'],
  // The tests of hack/up --in-cluster need a cluster of that kind: hack/test runs them on one.
  testPathIgnorePatterns: ['/node_modules/', ...(process.env.TSK_E2E_IN_CLUSTER ? [] : ['in_cluster'])],
  maxWorkers: 1,
  testTimeout: 180_000,
  reporters: ['default', '<rootDir>/test/e2e/progress_reporter.cjs'],
  // Most telling first, and the ones that disturb the cluster last.
  testSequencer: '<rootDir>/test/e2e/sequence.cjs',
};
