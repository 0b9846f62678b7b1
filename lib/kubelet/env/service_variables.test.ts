import type { Service } from '../../api/types.ts';
import { serviceVariables } from './service_variables.ts';

function service(
  namespace: string,
  name: string,
  clusterIP: string,
  ports: Service['spec']['ports'] = [],
): Service {
  return { metadata: { namespace, name }, spec: { clusterIP, ports } };
}

const all = [
  service('default', 'kubernetes', '10.96.0.1', [{ name: 'https', port: 443, protocol: 'TCP' }]),
  service('default', 'other', '10.96.0.2', [{ port: 1 }]),
  service('ns', 'my-dns', 'fd00::5', [
    { name: 'dns-udp', port: 53, protocol: 'UDP' },
    { name: 'metrics', port: 9153, protocol: 'TCP' },
  ]),
  service('ns', 'headless', 'None', [{ port: 1 }]),
  service('ns', 'external', ''),
  service('ns', 'portless', '10.96.0.9'),
];
const view = { hasSynced: true, services: (ns: string) => all.filter((s) => s.metadata.namespace === ns) };

const KUBERNETES = {
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '443',
  KUBERNETES_SERVICE_PORT_HTTPS: '443',
  KUBERNETES_PORT: 'tcp://10.96.0.1:443',
  KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
  KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
  KUBERNETES_PORT_443_TCP_PORT: '443',
  KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
};

test('K7: without links only the API server', () => {
  expect(Object.fromEntries(serviceVariables(view, 'ns', false))).toEqual(KUBERNETES);
});

test('K7: with links all of the namespace that have an address', () => {
  expect(Object.fromEntries(serviceVariables(view, 'ns', true))).toEqual({
    ...KUBERNETES,
    MY_DNS_SERVICE_HOST: 'fd00::5',
    MY_DNS_SERVICE_PORT: '53',
    MY_DNS_SERVICE_PORT_DNS_UDP: '53',
    MY_DNS_SERVICE_PORT_METRICS: '9153',
    MY_DNS_PORT: 'udp://[fd00::5]:53',
    MY_DNS_PORT_53_UDP: 'udp://[fd00::5]:53',
    MY_DNS_PORT_53_UDP_PROTO: 'udp',
    MY_DNS_PORT_53_UDP_PORT: '53',
    MY_DNS_PORT_53_UDP_ADDR: 'fd00::5',
    MY_DNS_PORT_9153_TCP: 'tcp://[fd00::5]:9153',
    MY_DNS_PORT_9153_TCP_PROTO: 'tcp',
    MY_DNS_PORT_9153_TCP_PORT: '9153',
    MY_DNS_PORT_9153_TCP_ADDR: 'fd00::5',
    PORTLESS_SERVICE_HOST: '10.96.0.9',
  });
});
