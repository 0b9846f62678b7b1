/** e2e: one file after the other against the cluster of `hack/up --name ${TSK_E2E_CLUSTER:-e2e}`; see CONTRIBUTING.md. */
const base = require('../../jest.config.cjs');
module.exports = {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/e2e'],
  testMatch: ['<rootDir>/test/e2e/**/*.e2e.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
  testTimeout: 180_000,
  // Most telling first, and the ones that disturb the cluster last.
  testSequencer: '<rootDir>/test/e2e/sequence.cjs',
};
