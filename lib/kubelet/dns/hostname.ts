import type { Pod } from '../../api/types.ts';
import { ContainerConfigError } from '../contracts.ts';

const MAX_LABEL = 63;
/** Linux' limit for a host name (HOST_NAME_MAX). */
const MAX_HOSTNAME = 64;

/** A pod's short name and, with a subdomain, the domain that its headless service gives it. */
export function podNames(
  pod: Pod,
  clusterDomain: string,
): { readonly short: string; readonly domain: string } {
  const { hostname, hostnameOverride, subdomain } = pod.spec;
  if (hostnameOverride !== undefined && hostnameOverride !== '')
    return { short: hostnameOverride, domain: '' };
  const name = hostname !== undefined && hostname !== '' ? hostname : pod.metadata.name;
  const short = name.slice(0, MAX_LABEL).replace(/[-.]+$/, '');
  const domain =
    subdomain === undefined || subdomain === ''
      ? ''
      : `${subdomain}.${pod.metadata.namespace ?? ''}.svc.${clusterDomain}`;
  return { short, domain };
}

/** The kernel's host name of the pod. @throws ContainerConfigError when the FQDN asked for is too long */
export function podHostname(pod: Pod, clusterDomain: string): string {
  const { short, domain } = podNames(pod, clusterDomain);
  if (pod.spec.setHostnameAsFQDN !== true || domain === '') return short;
  const fqdn = `${short}.${domain}`;
  if (fqdn.length > MAX_HOSTNAME) {
    throw new ContainerConfigError(
      `Failed to construct FQDN from Pod hostname and cluster domain, FQDN ${fqdn} is too long (${MAX_HOSTNAME} characters is the max, ${fqdn.length} characters requested)`,
    );
  }
  return fqdn;
}
