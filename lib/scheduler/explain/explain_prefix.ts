/** Where explanations of pods are served; `NAMESPACE/NAME` follows. */
export const EXPLAIN_PREFIX = '/debug/explain/pod/';
