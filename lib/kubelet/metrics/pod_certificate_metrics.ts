/** How podCertificate volume sources stand, for alerts on signers that do not answer. */
import type { Metrics } from '../../component/metrics.ts';
import type { PodCertificates } from '../volumes/pod_certificate.ts';

/** @param states read each time that the metrics are asked for */
export function podCertificateMetrics(metrics: Metrics, states: PodCertificates['states']): void {
  metrics.gauge({
    name: 'kubelet_podcertificate_states',
    help: 'Pod certificate sources of projected volumes on this node, by signer and state.',
    labelNames: ['signer_name', 'state'],
    collect: (gauge) => {
      gauge.reset();
      for (const { signerName: signer_name, state } of states()) gauge.inc({ signer_name, state });
    },
  });
}
