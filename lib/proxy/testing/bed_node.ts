/** The node of the test bed. */
import type { Node } from '../../api/types.ts';
import { HOSTS6, NODE } from './test_bed.ts';

/** The node of the bed as the API has it. */
export const BED_NODE: Node = {
  metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'za', 'kubernetes.io/hostname': 'n1' } },
  spec: { podCIDR: '10.66.0.0/24', podCIDRs: ['10.66.0.0/24', 'fd00:66::/64'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: NODE },
      { type: 'InternalIP', address: HOSTS6.node },
    ],
  },
};
