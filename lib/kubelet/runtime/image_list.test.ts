import { CriError } from '../../cri/errors.ts';
import { ImageList } from './image_list.ts';

test('a runtime that hangs or is away does not take the list along', async () => {
  let up = true;
  const timeouts: (number | undefined)[] = [];
  const list = new ImageList({
    listImages: (_request, options) => {
      timeouts.push(options?.timeoutMs);
      if (!up) return Promise.reject(new CriError('ListImages', 'DEADLINE_EXCEEDED', 'too long'));
      const image = { id: '1', repoTags: ['a:1'], repoDigests: ['a@sha256:1'], size: 5n };
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields that are read
      return Promise.resolve({ images: [image] } as never);
    },
  });
  const signal = new AbortController().signal;
  const want = [{ names: ['a@sha256:1', 'a:1'], sizeBytes: 5 }];
  expect(await list.read(signal)).toEqual(want);
  up = false;
  expect(await list.read(signal)).toEqual(want);
  expect(timeouts.every((timeout) => timeout !== undefined && timeout <= 5000)).toBe(true);
});
