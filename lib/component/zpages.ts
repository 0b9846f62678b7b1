/** /configz, /statusz and /flagz: what runs here and how it was told to, in the layout of the stock components. */
import type { Clock } from '../base/clock.ts';
import type { Exchange, Handler } from './serving/exchange.ts';
import { json, statusError, text } from './serving/exchange.ts';
import type { Routes } from './serving/routes.ts';
import { buildInfo } from './version.ts';

const NOTICE =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

/** Names under which configurations appear: `kubeletconfig`, `componentconfig`, `kubeproxy.config.k8s.io`. */
export function configz(configurations: Readonly<Record<string, () => unknown>>): Handler {
  return ({ res }) =>
    json(res, 200, Object.fromEntries(Object.entries(configurations).map(([name, get]) => [name, get()])));
}

/** @param routes those whose paths are listed */
export function statusz(component: string, clock: Clock, routes: Routes): Handler {
  const startedAt = clock.now();
  const startedAgo = clock.monotonic();
  return (exchange) => {
    if (!acceptsText(exchange)) return;
    const up = Math.floor((clock.monotonic() - startedAgo) / 1000);
    const info = buildInfo();
    const lines = [
      `Started  ${unixDate(startedAt)}`,
      `Up  ${Math.floor(up / 3600)} hr ${two(Math.floor(up / 60) % 60)} min ${two(up % 60)} sec`,
      `Go version  ${info.goVersion}`,
      `Binary version  ${info.gitVersion.slice(1)}`,
      `Emulation version  ${info.major}.${info.minor}`,
      `Paths  ${topPaths(routes).join(' ')}`,
    ];
    text(exchange.res, `\n${component} statusz\n${NOTICE}\n\n${lines.join('\n')}\n`);
  };
}

/** @param flags every flag with its value, sorted; values of flags that hold secrets must not be in it */
export function flagz(component: string, flags: ReadonlyMap<string, string>): Handler {
  return (exchange) => {
    if (!acceptsText(exchange)) return;
    const lines = [...flags].map(([name, value]) => `${name}: ${value}\n`).join('');
    text(exchange.res, `\n${component} flagz\n${NOTICE}\n${lines}`);
  };
}

/** Without the paths of single health checks and of the pages that list themselves. */
function topPaths(routes: Routes): string[] {
  return routes.paths().filter((path) => !path.endsWith('/') && path !== '/statusz');
}

function acceptsText({ req, res }: Exchange): boolean {
  const accept = req.headers.accept ?? '*/*';
  if (/(^|[\s,])(\*\/\*|text\/(plain|\*))/.test(accept)) return true;
  statusError(res, 406, 'NotAcceptable', 'only the following media types are accepted: text/plain');
  return false;
}

/** As date(1) prints it: `Sat Nov 21 05:39:09 UTC 2026`. */
function unixDate(ms: number): string {
  const [, weekday, day, month, year, time] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(ms).toUTCString()) ?? [];
  return `${weekday} ${month} ${(day ?? '').replace(/^0/, ' ')} ${time} UTC ${year}`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
