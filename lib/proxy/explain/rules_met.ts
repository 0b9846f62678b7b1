/** Of the rules of a Service port, those that packets to one of its places meet. Pure. */
import type { Frontend } from '../model/frontends.ts';
import type { PortExplanation } from './explanation.ts';

type Rules = PortExplanation['rules'];

/** @param frontends all places of the Service port */
export function rulesMet(rules: Rules, frontend: Frontend, frontends: readonly Frontend[]): Rules {
  const ips = frontends.flatMap((f) => (f.kind === 'node' ? [] : [f.ip]));
  const dispatch = rules.dispatch.filter((line) => {
    const words = new Set(line.split(/[\s/]+/));
    return frontend.kind === 'node' ? !ips.some((ip) => words.has(ip)) : words.has(frontend.ip);
  });
  const chains: Record<string, readonly string[]> = {};
  const follow = (lines: readonly string[]): void => {
    const words = new Set(lines.flatMap((line) => line.split(/[\s,{}]+/)));
    for (const [chain, body] of Object.entries(rules.chains)) {
      if (!words.has(chain) || Object.hasOwn(chains, chain)) continue;
      chains[chain] = body;
      follow(body);
    }
  };
  follow(dispatch);
  return { dispatch, chains };
}
