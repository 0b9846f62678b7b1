/** Unit tests stand beside the file they test; e2e has its own config under test/e2e. */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/lib', '<rootDir>/cmd', '<rootDir>/hack', '<rootDir>/test', '<rootDir>/examples'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/', '<rootDir>/test/faults/'],
  moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
  extensionsToTreatAsEsm: [],
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      {
        // Node runs `await using` itself, and its errors are whole: the transpiled form loses them (no SuppressedError).
        jsc: { target: 'esnext', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
      },
    ],
  },
  // Packages that ship only ES modules are transpiled like our own files.
  transformIgnorePatterns: ['/node_modules/(?!(@kubernetes/client-node|jose|oauth4webapi|openid-client)/)'],
};
