import { hostIds, UserNamespaces } from '../userns/user_namespaces.ts';
import type { Base } from './base.ts';
import type { Runtime } from './runtime.ts';

/** @throws Error when the machine gives the kubelet ids that it cannot use */
export async function createUserNamespaces(
  base: Base & Runtime,
): Promise<{ readonly userNamespaces: UserNamespaces }> {
  const { config, dirs, health, log } = base;
  const { idsPerPod } = config.userNamespaces;
  const ids = await hostIds(idsPerPod);
  const handlers = () => health.handlers;
  return { userNamespaces: await UserNamespaces.load({ dirs, idsPerPod, ids, handlers, log }) };
}
