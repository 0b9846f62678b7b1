import { CREATED, endpoint, service, slice } from '../testing/objects.ts';
import { endpointsOf, readSlice } from './endpoint_slices.ts';
import { servicePortsOf } from './service_ports.ts';
import { storedService, storedSlice } from './stored_fields.ts';

const noise = {
  uid: 'u1',
  resourceVersion: '7',
  generateName: 'web-',
  labels: { app: 'web', 'service.kubernetes.io/headless': '' },
  annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z', big: 'text' },
  ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'u0' }],
};

describe('a Service', () => {
  const spec = {
    type: 'LoadBalancer',
    selector: { app: 'web' },
    externalIPs: ['192.0.2.9'],
    loadBalancerSourceRanges: ['198.51.100.0/24'],
    externalTrafficPolicy: 'Local',
    internalTrafficPolicy: 'Local',
    healthCheckNodePort: 31000,
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 30 } },
    ports: [{ name: 'p', port: 80, nodePort: 30080, protocol: 'TCP', appProtocol: 'http' }],
  };
  const status = {
    loadBalancer: { ingress: [{ ip: '203.0.113.5', ipMode: 'VIP' }] },
    conditions: [{ type: 'Ready', status: 'True', reason: '', message: '', lastTransitionTime: '' }],
  };
  const full = service('a/web', '10.96.0.10', spec, { metadata: { name: 'web', ...noise }, status });

  test('gives the same ports as before', () => {
    expect(servicePortsOf(full).ports).toHaveLength(1);
    expect(servicePortsOf(storedService(full))).toEqual(servicePortsOf(full));
  });

  test('keeps what identifies it and marks that matter, and no more', () => {
    const { metadata, spec: kept, status: keptStatus } = storedService(full);
    expect(metadata).toEqual({
      namespace: 'a',
      name: 'web',
      uid: 'u1',
      creationTimestamp: CREATED,
      resourceVersion: '7',
      labels: { 'service.kubernetes.io/headless': '' },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
    });
    expect(kept).not.toHaveProperty('selector');
    expect(keptStatus).toEqual({ loadBalancer: status.loadBalancer });
  });
});

test('a slice gives the same endpoints as before', () => {
  const hints = { forZones: [{ name: 'za' }], forNodes: [{ name: 'n1' }] };
  const target = { kind: 'Pod', namespace: 'a', name: 'web-1', uid: 'u2' };
  const full = slice('a/web-1', 'web', [
    { ...endpoint('10.66.0.1@n1', { ready: false, serving: true, terminating: true }), targetRef: target },
    { ...endpoint('10.66.0.2@n2'), hints, zone: 'za', targetRef: target },
    { addresses: ['10.66.0.3', '10.66.0.4'] },
    endpoint('nonsense'),
  ]);
  const kept = storedSlice(full);
  expect(readSlice(kept)).toEqual(readSlice(full));
  const port = { portName: 'p', protocol: 'TCP', family: 'IPv4' } as const;
  const read = readSlice(kept);
  expect(endpointsOf(port, read === undefined ? [] : [read], 'n1')).toHaveLength(3);
  expect(JSON.stringify(kept)).not.toContain('targetRef');
});

test('null lists, as some writers leave them, are taken as none', () => {
  const bare = { ...slice('a/web-1', 'web', []), endpoints: undefined, ports: undefined };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a server may send against its types
  const read = readSlice(storedSlice(bare as unknown as Parameters<typeof storedSlice>[0]));
  expect(read).toMatchObject({ hosts: [], ports: [] });
});
