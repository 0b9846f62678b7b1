/** The node gets another address while it runs: node ports answer there, and no longer at the old one. */
import { BED_NODE } from '../../../lib/proxy/testing/bed_node.ts';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { NODE, POD1 } from '../../../lib/proxy/testing/test_bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode } from '../support/proxy_node.ts';

const node = ProxyNode.forTests();
const OTHER = '198.51.100.77';

test.each(MODES)('P5: %s', async (mode) => {
  const ports = [{ name: 'p', port: 80, nodePort: 30080, protocol: 'TCP' }];
  await node.api.put('services', service('c/np', '10.96.0.98', { type: 'NodePort', ports }));
  await node.api.put('endpointslices', slice('c/np-1', 'np', [`${POD1}@n1`]));
  await node.start(OURS, mode, { nodePortAddresses: ['primary'], [mode]: { minSyncPeriod: '100ms' } });
  await eventually('at the old address', () => node.answers(NODE, 30080, /pod1/, 'client'));
  node.bed.exec('node', ['ip', 'addr', 'add', `${OTHER}/24`, 'dev', 'cl0']);
  try {
    await node.underTraffic(async () => {
      const addresses = [{ type: 'InternalIP', address: OTHER }];
      await node.api.put('nodes', { ...BED_NODE, status: { addresses } }, 'MODIFIED');
      await eventually('at the new address', () => node.answers(OTHER, 30080, /pod1/, 'client'));
      await eventually('not at the old one', async () => {
        const { by } = await node.bed.ask('client', 'tcp', NODE, 30080, 500);
        if (by !== undefined) throw new Error(`${by} answers`);
      });
    });
  } finally {
    node.bed.exec('node', ['ip', 'addr', 'del', `${OTHER}/24`, 'dev', 'cl0']);
  }
});
