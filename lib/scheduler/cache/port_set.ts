import type { HostPort } from '../../api/pod.ts';

const ANY = '0.0.0.0';

/** The host ports in use on a node. The same one may be counted several times while one pod succeeds another. */
export class PortSet {
  /** Per protocol and port, how often each address is taken. */
  readonly #taken = new Map<string, Map<string, number>>();

  add(port: HostPort): void {
    const key = keyOfPort(port);
    const addresses = this.#taken.get(key) ?? new Map<string, number>();
    const ip = addressOf(port);
    addresses.set(ip, (addresses.get(ip) ?? 0) + 1);
    this.#taken.set(key, addresses);
  }

  addAll(others: PortSet): void {
    for (const [key, addresses] of others.#taken) this.#taken.set(key, new Map(addresses));
  }

  remove(port: HostPort): void {
    const key = keyOfPort(port);
    const addresses = this.#taken.get(key);
    if (addresses === undefined) return;
    const ip = addressOf(port);
    const left = (addresses.get(ip) ?? 0) - 1;
    if (left > 0) addresses.set(ip, left);
    else addresses.delete(ip);
    if (addresses.size === 0) this.#taken.delete(key);
  }

  /** Whether the port is taken: on the same address, or on all of them, or asked for on all and taken on any. */
  conflicts(port: HostPort): boolean {
    const addresses = this.#taken.get(keyOfPort(port));
    if (addresses === undefined) return false;
    const ip = addressOf(port);
    return ip === ANY ? addresses.size > 0 : addresses.has(ip) || addresses.has(ANY);
  }
}

function keyOfPort(port: HostPort): string {
  return `${port.protocol}/${port.port}`;
}

function addressOf(port: HostPort): string {
  return port.hostIP === '::' ? ANY : port.hostIP;
}
