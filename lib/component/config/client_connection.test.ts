import { clientConnection } from './client_connection.ts';
import { decodeFields } from './document.ts';

const schema = clientConnection({ qps: 5, burst: 10 });
const DEFAULTS = {
  kubeconfig: '',
  acceptContentTypes: '',
  contentType: 'application/vnd.kubernetes.protobuf',
  qps: 5,
  burst: 10,
};

test.each([
  ['nothing', undefined, DEFAULTS],
  ['zero values', { contentType: '', qps: 0, burst: 0 }, DEFAULTS],
  ['no limit', { qps: -1 }, { ...DEFAULTS, qps: -1 }],
  [
    'values',
    { kubeconfig: '/k', contentType: 'application/json', qps: 0.5, burst: 3 },
    { ...DEFAULTS, kubeconfig: '/k', contentType: 'application/json', qps: 0.5, burst: 3 },
  ],
])('%s', (_, given, want) => {
  expect(decodeFields(given, 'x', schema)).toEqual(want);
});

test.each([
  [{ burst: -1 }, 'x: field "burst": got -1, want a whole number from 0'],
  [{ qps: '5' }, 'x: field "qps": got "5", want a number'],
  [{ kubeConfig: '' }, 'x: field "kubeConfig": unknown field, did you mean "kubeconfig"?'],
])('%j is refused', (given, message) => {
  expect(() => decodeFields(given, 'x', schema)).toThrow(message);
});
