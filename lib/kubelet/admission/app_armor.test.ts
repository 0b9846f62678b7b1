import type { Container, Pod } from '../../api/types.ts';
import { appArmorAdmission } from './app_armor.ts';

const podOf = (
  container: Partial<Container>,
  securityContext: Pod['spec']['securityContext'] = {},
  annotation?: string,
): Pod => ({
  metadata: {
    name: 'p',
    ...(annotation === undefined
      ? {}
      : { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': annotation } }),
  },
  spec: { containers: [{ name: 'c', ...container }], securityContext },
});
const profile = (type: string) => ({ appArmorProfile: { type } });

test.each<[string, Pod, boolean]>([
  ['asks for nothing', podOf({}), true],
  ['asks to be unconfined', podOf({ securityContext: profile('Unconfined') }, profile('Localhost')), true],
  ['names a profile', podOf({ securityContext: profile('Localhost') }), false],
  ['takes that of the runtime, as the pod says', podOf({}, profile('RuntimeDefault')), false],
  ['names one in the old annotation', podOf({}, {}, 'localhost/mine'), false],
  ['is unconfined by the old annotation', podOf({}, {}, 'unconfined'), true],
])('K8: without AppArmor on the node, a container that %s', (_, pod, runs) => {
  expect(appArmorAdmission(true)(pod)).toBeUndefined();
  expect(appArmorAdmission(false)(pod)).toEqual(
    runs
      ? undefined
      : {
          phase: 'Failed',
          reason: 'AppArmor',
          message: 'Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host',
        },
  );
});
