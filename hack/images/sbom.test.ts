import { bundledPackages, cycloneDx } from './sbom.ts';

const lock = {
  packages: {
    '': { name: 'ours', version: '1.0.0' },
    'node_modules/ws': { version: '8.0.0', license: 'MIT', integrity: 'sha512-AAEC' },
    'node_modules/@grpc/grpc-js': { version: '1.2.3' },
    'node_modules/a/node_modules/ws': { version: '7.0.0' },
  },
};

test('packages are those with a file in the bundle, nested ones apart', () => {
  const inputs = [
    'lib/base/clock.ts',
    'node_modules/ws/index.js',
    'node_modules/ws/lib/x.js',
    'node_modules/a/node_modules/ws/index.js',
    'node_modules/@grpc/grpc-js/build/src/index.js',
  ];
  expect(bundledPackages(inputs, lock)).toEqual([
    { name: '@grpc/grpc-js', version: '1.2.3' },
    { name: 'ws', version: '7.0.0' },
    { name: 'ws', version: '8.0.0', license: 'MIT', integrity: 'sha512-AAEC' },
  ]);
});

test.each([[{}], [null], ['text'], [{ packages: { 'node_modules/ws': { version: 1 } } }]])(
  'a lock file without the package is refused (%j)',
  (broken) => {
    expect(() => bundledPackages(['node_modules/ws/index.js'], broken)).toThrow(
      'sbom: package-lock.json has no version for node_modules/ws',
    );
  },
);

test('the document carries package URLs, hashes and licenses', () => {
  const document = cycloneDx({
    image: 'example.test/a:dev',
    version: '0.1.0',
    digest: 'sha256:abcd',
    npmPackages: [
      { name: '@grpc/grpc-js', version: '1.2.3', license: 'Apache-2.0', integrity: 'sha512-AAEC' },
    ],
    debianPackages: [{ name: 'libc6', version: '2.36-9+deb12u1', architecture: 'amd64', files: [] }],
    distribution: 'debian',
  });
  expect(document).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { component: { name: 'example.test/a:dev', hashes: [{ alg: 'SHA-256', content: 'abcd' }] } },
    components: [
      {
        group: '@grpc',
        name: 'grpc-js',
        purl: 'pkg:npm/%40grpc/grpc-js@1.2.3',
        licenses: [{ expression: 'Apache-2.0' }],
        hashes: [{ alg: 'SHA-512', content: '000102' }],
      },
      { name: 'libc6', purl: 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64' },
    ],
  });
});
