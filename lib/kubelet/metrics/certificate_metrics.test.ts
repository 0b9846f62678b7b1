import { Metrics } from '../../component/metrics.ts';
import { certificateMetrics } from './certificate_metrics.ts';

test.each<['client' | 'server', string, string]>([
  [
    'client',
    'kubelet_certificate_manager_client_ttl_seconds',
    'kubelet_certificate_manager_client_expiration_renew_errors',
  ],
  ['server', 'kubelet_certificate_manager_server_ttl_seconds', 'kubelet_server_expiration_renew_errors'],
])('how long the %s certificate lasts, and failures to renew it', async (kind, ttl, errors) => {
  const metrics = new Metrics();
  let now = 10_000;
  const rotation = certificateMetrics(metrics, kind, { now: () => now });
  const lines = async (): Promise<string[]> =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(await lines()).toEqual([`${ttl} +Inf`, `${errors} 0`]);
  rotation.has(15_000);
  rotation.failed();
  expect(await lines()).toEqual([`${ttl} 5`, `${errors} 1`]);
  now = 20_000;
  expect(await lines()).toEqual([`${ttl} -5`, `${errors} 1`]);
});
