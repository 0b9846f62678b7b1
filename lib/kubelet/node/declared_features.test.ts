import { FeatureGates } from '../../component/feature_gates.ts';
import { declaredFeatures } from './declared_features.ts';

test.each<[string, Record<string, boolean>, string[]]>([
  ['by default', {}, ['RestartAllContainersOnContainerExits']],
  ['without its gate', { RestartAllContainersOnContainerExits: false }, []],
])('K18: features declared %s', (_, set, want) => {
  const gates = new FeatureGates();
  gates.set(Object.entries(set));
  expect(declaredFeatures(gates)).toEqual(want);
});
