import type { Service } from '../../api/types.ts';

/** The API server's own service, which every container is told of. */
const MASTER = { namespace: 'default', name: 'kubernetes' };

/** Services as the kubelet's informer has them. */
export interface ServiceView {
  /** False until the first list: nothing can be said about services yet. */
  readonly hasSynced: boolean;
  services(namespace: string): readonly Service[];
}

/**
 * Environment variables that tell of services: all of the pod's namespace with `enableServiceLinks`, and the API
 * server's in any case. Services without a cluster IP are left out.
 */
export function serviceVariables(
  view: ServiceView,
  namespace: string,
  enableServiceLinks: boolean,
): ReadonlyMap<string, string> {
  const chosen = new Map<string, Service>();
  const masters = view.services(MASTER.namespace).filter((s) => s.metadata.name === MASTER.name);
  for (const service of masters) if (hasIP(service)) chosen.set(service.metadata.name, service);
  if (enableServiceLinks) {
    for (const service of view.services(namespace))
      if (hasIP(service)) chosen.set(service.metadata.name, service);
  }
  const variables = new Map<string, string>();
  for (const name of [...chosen.keys()].sort()) {
    const service = chosen.get(name);
    if (service !== undefined) addService(variables, service);
  }
  return variables;
}

function hasIP(service: Service): boolean {
  const ip = service.spec.clusterIP;
  return ip !== undefined && ip !== '' && ip !== 'None';
}

function addService(variables: Map<string, string>, service: Service): void {
  const prefix = variableName(service.metadata.name);
  const ip = service.spec.clusterIP ?? '';
  const ports = service.spec.ports ?? [];
  const [first] = ports;
  variables.set(`${prefix}_SERVICE_HOST`, ip);
  if (first === undefined) return;
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name !== undefined && port.name !== '') {
      variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
  }
  // The form of Docker's old links.
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol ?? 'TCP';
    const url = `${protocol.toLowerCase()}://${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`;
    if (index === 0) variables.set(`${prefix}_PORT`, url);
    const link = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
    variables.set(link, url);
    variables.set(`${link}_PROTO`, protocol.toLowerCase());
    variables.set(`${link}_PORT`, String(port.port));
    variables.set(`${link}_ADDR`, ip);
  }
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
