/**
 * Tries the proxy's page in a real browser with 10,000 Services, wide and narrow. Usage:
 *
 *     node test/browser/proxy_page.ts [FOLDER FOR PICTURES]
 *
 * Needs what test/browser/main.ts needs.
 */
import { endpoint, service, slice } from '../../lib/proxy/testing/objects.ts';
import { PAGE_NODE, proxyInMemory } from '../../lib/proxy/testing/proxy_in_memory.ts';
import { PageTrial } from './page_trial.ts';

const [pictures = ''] = process.argv.slice(2);
const SERVICES = 10_000;

const page = await proxyInMemory();
const { tracker } = page;
const http = { name: 'http', port: 80, protocol: 'TCP' };
for (let n = 0; n < SERVICES; n++) {
  const [name, low] = [`service-${String(n).padStart(5, '0')}`, `${n >> 8}.${n & 255}`];
  const team = `team-${n % 7}`;
  tracker.setService(service(`${team}/${name}`, `10.96.${low}`, { ports: [http] }));
  if (n % 500 !== 3)
    tracker.setSlice(
      slice(
        `${team}/${name}-1`,
        name,
        [0, 1, 2].map((i) => `10.66.${(n >> 6) & 255}.${((n & 63) << 2) + i}@n${i + 1}`),
        [{ ...http, port: 8080 }],
      ),
    );
}
const shop = {
  type: 'LoadBalancer',
  externalTrafficPolicy: 'Local',
  sessionAffinity: 'ClientIP',
  loadBalancerSourceRanges: ['203.0.113.0/24'],
  ports: [{ ...http, nodePort: 30080 }],
};
const status = { loadBalancer: { ingress: [{ ip: '198.51.100.7', ipMode: 'VIP' }] } };
tracker.setService(service('shop/web', '10.111.0.1', shop, { status }));
const web = (draining: boolean): void =>
  tracker.setSlice(
    slice(
      'shop/web-1',
      'web',
      [
        '10.66.250.1@n1',
        '10.66.250.2@n2',
        endpoint(
          '10.66.250.3@n3',
          draining ? { ready: false, serving: true, terminating: true } : { ready: true },
        ),
      ],
      [{ ...http, port: 8080 }],
    ),
  );
web(false);
const began = performance.now();
await page.sync();
console.log(`${SERVICES} Services in force after ${Math.round(performance.now() - began)} ms`);
// Something goes on all the while.
let changes = 0;
const goOn = (): void => {
  tracker.setSlice(
    slice(
      'team-0/service-00000-1',
      'service-00000',
      [`10.66.251.${++changes % 200}@n2`],
      [{ ...http, port: 8080 }],
    ),
  );
  page.sync().catch((err: unknown) => console.error(err));
};

await PageTrial.main({ page, pictures, width: 1280, goOn, everyMs: 1000 }, tryOut);

async function tryOut(trial: PageTrial): Promise<void> {
  const { tab } = trial;
  const searched = tab.getByRole('searchbox');
  await tab.locator('#services tbody tr').nth(100).waitFor({ timeout: 60_000 });
  const tiles = await trial.text('.tiles');
  trial.check(`totals: ${tiles}`, /^10001 Services .*iptables back end/.test(tiles));
  await tab.waitForTimeout(4000);
  trial.check('syncs go on', (await tab.locator('tr', { hasText: 'changes' }).count()) >= 3);
  await trial.picture('proxy-wide');

  const asked = performance.now();
  await searched.fill('team-3 service-000');
  await tab.locator('#services', { hasText: /^14 Service ports/ }).waitFor();
  console.log(`searched in ${Math.round(performance.now() - asked)} ms`);
  await searched.fill('10.111.0.1');
  await tab.locator('#services', { hasText: /^1 Service ports/ }).waitFor();
  await tab.getByRole('button', { name: 'shop/web' }).click();
  await tab.locator('#detail', { hasText: '10.66.250.3:8080' }).waitFor();
  const detail = await trial.text('#detail');
  trial.check(
    'places of all kinds',
    /10\.111\.0\.1:80 \(cluster\).*198\.51\.100\.7:80.*node port 30080/.test(detail),
  );
  trial.check('rules are shown', /KUBE-SVC-.*KUBE-SEP-/.test(detail));
  web(true);
  await tab.locator('#detail', { hasText: 'left out' }).waitFor({ timeout: 10_000 });
  trial.check('a change is seen without doing anything', true);
  await trial.picture('proxy-wide-service');

  await tab.getByLabel('Destination').fill(`${PAGE_NODE}:30080`);
  await tab.getByLabel('Source').fill('203.0.113.9');
  await tab.getByRole('button', { name: 'Explain' }).click();
  await tab.locator('#packet', { hasText: 'traffic policy' }).waitFor();
  const path = await trial.text('#packet');
  trial.check(
    `a packet from outside: ${path.slice(0, 120)}`,
    /translated.*endpoints of this node.*Local/.test(path),
  );
  await tab.getByLabel('Destination').fill('198.51.100.7:80');
  await tab.getByLabel('Source').fill('192.0.2.77');
  await tab.getByRole('button', { name: 'Explain' }).click();
  await tab.locator('#packet', { hasText: 'dropped' }).waitFor();
  trial.check('a source outside of the ranges', /loadBalancerSourceRanges/.test(await trial.text('#packet')));
  await trial.picture('proxy-wide-packet');
  await tab.getByLabel('Destination').fill('web');
  await tab.getByRole('button', { name: 'Explain' }).click();
  await tab.locator('#packet', { hasText: 'Want a destination' }).waitFor();
  await tab.getByLabel('Destination').fill('10.111.0.1:80');
  await tab.getByLabel('Source').fill('10.66.0.9');
  await tab.getByLabel('Source').press('Enter');
  await tab.locator('#packet', { hasText: 'comes from a pod' }).waitFor();
  trial.check('what is wrong is said, and mended', true);

  await trial.narrow();
  await trial.picture('proxy-narrow');
}
