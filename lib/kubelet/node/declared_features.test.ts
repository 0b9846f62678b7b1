import { FeatureGates } from '../../component/feature_gates.ts';
import { declaredFeatures } from './declared_features.ts';

const POD_LEVEL = 'InPlacePodLevelResourcesVerticalScaling';
const INIT = 'InPlacePodVerticalScalingInitContainers';
const RESTART_ALL = 'RestartAllContainersOnContainerExits';

const ALL_OFF = Object.fromEntries(
  ['NodeDeclaredFeatures', 'ExtendWebSocketsToKubelet', POD_LEVEL, INIT, RESTART_ALL].map((name) => [
    name,
    false,
  ]),
);

test.each<[string, Record<string, boolean>, string[]]>([
  ['by default', {}, [POD_LEVEL, INIT, RESTART_ALL]],
  ['without its gate', { RestartAllContainersOnContainerExits: false }, [POD_LEVEL, INIT]],
  ['without the gate of all', ALL_OFF, []],
])('K18: features declared %s', (_, set, want) => {
  const gates = new FeatureGates();
  gates.set(Object.entries(set));
  expect(declaredFeatures(gates)).toEqual(want);
});
