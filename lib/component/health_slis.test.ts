import { nullLog } from '../base/log.ts';
import { HealthChecks } from './health.ts';
import { installSlis } from './health_slis.ts';
import { Routes } from './serving/routes.ts';
import { createPlainServer } from './serving/server.ts';

test('K27: health checks by how they stand now and how often they stood so', async () => {
  let isStuck = false;
  const checks = new HealthChecks(nullLog, {
    name: 'loop',
    check: () => {
      if (isStuck) throw new Error('stuck');
    },
  });
  const routes = new Routes();
  checks.install(routes, '/healthz');
  installSlis(routes, { healthz: checks });
  const server = await createPlainServer({
    address: '127.0.0.1',
    port: 0,
    handler: routes.handle,
    log: nullLog,
  });
  const get = async (path: string): Promise<string[]> =>
    (await (await fetch(`http://127.0.0.1:${server.port}${path}`)).text())
      .split('\n')
      .filter((line) => line.startsWith('kubernetes_') && line.includes('"loop"'));
  const now = 'kubernetes_healthcheck{name="loop",type="healthz"}';
  const total = (status: string): string =>
    `kubernetes_healthchecks_total{name="loop",type="healthz",status="${status}"}`;
  expect(await get('/metrics/slis')).toEqual([`${now} 1`, `${total('success')} 1`]);
  isStuck = true;
  await get('/healthz');
  expect(await get('/metrics/slis')).toEqual([`${now} 0`, `${total('success')} 1`, `${total('error')} 2`]);
  await server.close(0);
});
