import type { Secret } from '../../api/types.ts';
import { credentialsFor } from './pull_credentials.ts';

const base64 = (value: string): string => Buffer.from(value).toString('base64');
const secret = (auths: object): Secret => ({
  metadata: { name: 's', namespace: 'ns' },
  data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
});
const entry = (username: string) => ({ auth: base64(`${username}:secret`) });
const image = { domain: 'r.example', path: 'team/app' };
const names = (auths: object): string[] =>
  credentialsFor(image, [secret(auths)]).auths.map(({ auth }) => auth.username);

test.each([
  ['the host', { 'r.example': entry('u') }, ['u']],
  ['another host', { 'other.example': entry('u') }, []],
  ['a URL', { 'https://r.example/v2/': entry('u') }, ['u']],
  ['a path', { 'r.example/team': entry('u') }, ['u']],
  ['another path', { 'r.example/other': entry('u') }, []],
  [
    'the longer path first',
    { 'r.example': entry('host'), 'r.example/team': entry('team') },
    ['team', 'host'],
  ],
  ['a glob', { '*.example': entry('u') }, ['u']],
  ['a glob stands for one label', { '*': entry('u') }, []],
  ['username and password', { 'r.example': { username: 'u', password: 'p' } }, ['u']],
])('K14: %s', (_, auths, want) => expect(names(auths)).toEqual(want));

test.each<[string, Secret['data'], string]>([
  ['no pull secret', { x: 'eA==' }, 'secret ns/s is no pull secret'],
  ['no JSON', { '.dockerconfigjson': base64('{') }, 'secret ns/s holds no JSON'],
  ['no auths', { '.dockerconfigjson': base64('{}') }, 'secret ns/s has no auths'],
  [
    'an empty entry',
    { '.dockerconfigjson': base64('{"auths":{"r.example":{}}}') },
    'secret ns/s: entry r.example has no credentials',
  ],
])('K14: %s is a problem, not a failure', (_, data, problem) => {
  const result = credentialsFor(image, [
    { metadata: { name: 's', namespace: 'ns' }, ...(data === undefined ? {} : { data }) },
  ]);
  expect(result).toEqual({ auths: [], problems: [problem] });
});

test('K14: the old format', () => {
  const data = { '.dockercfg': base64(JSON.stringify({ 'r.example': entry('u') })) };
  const { auths } = credentialsFor(image, [{ metadata: { name: 's', namespace: 'ns' }, data }]);
  expect(auths.map(({ auth }) => auth)).toEqual([{ username: 'u', password: 'secret' }]);
});
