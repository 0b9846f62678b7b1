/** `node.status.declaredFeatures` (KEP-5328): features that pods may need of a node, each named as its gate. Pure. */

/**
 * Those that work here. `ExtendWebSocketsToKubelet` is not one: the apiserver then keeps the translation of WebSockets for
 * itself.
 */
const FEATURES = [
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'RestartAllContainersOnContainerExits',
];

export function declaredFeatures(gates: { enabled(name: string): boolean }): readonly string[] {
  return gates.enabled('NodeDeclaredFeatures') ? FEATURES.filter((name) => gates.enabled(name)) : [];
}
