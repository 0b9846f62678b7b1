import { parseLinks } from './network.ts';

test('interfaces with their flags', () => {
  const output = [
    '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default',
    '7: tsk0@if2: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000',
    '',
  ].join('\n');
  expect([...parseLinks(output)]).toEqual([
    ['lo', ['LOOPBACK', 'UP', 'LOWER_UP']],
    ['tsk0', ['BROADCAST', 'MULTICAST']],
  ]);
});

test('no interface', () => {
  expect(parseLinks('').size).toBe(0);
});
