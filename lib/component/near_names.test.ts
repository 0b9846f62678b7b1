import { nearNames } from './near_names.ts';

const known = ['evictionHard', 'evictionSoft', 'clusterDNS', 'port', 'readOnlyPort'];

test.each([
  ['evictonHard', ['evictionHard']],
  ['eviction-hard', ['evictionHard']],
  ['clusterDns', ['clusterDNS']],
  ['prot', ['port']],
  ['ports', ['port']],
  ['evictionHart', ['evictionHard']],
  ['x', []],
  ['somethingElse', []],
])('%s', (name, want) => {
  expect(nearNames(name, known)).toEqual(want);
});
