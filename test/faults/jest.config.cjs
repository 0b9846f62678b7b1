/** Faults: one file after the other against the cluster that hack/faults brings up; see `hack/faults --help`. */
const base = require('../../jest.config.cjs');
module.exports = {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/faults'],
  testMatch: ['<rootDir>/test/faults/**/*.fault.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
  testTimeout: 300_000,
  reporters: ['default', '<rootDir>/test/e2e/progress_reporter.cjs'],
};
