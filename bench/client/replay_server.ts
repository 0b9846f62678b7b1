/**
 * An apiserver that only watches pods: node replay_server.ts FRAMES RATE SECONDS. Sends each recorded frame as an
 * initial event, then changes of them at RATE a second (0: as fast as they are taken), as one chunked answer.
 * Prints its port; prints the number of changes when it has sent the last.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';

const [path = '', rateText = '', secondsText = ''] = process.argv.slice(2);
const rate = Number(rateText);
const seconds = Number(secondsText);
const frames = readFileSync(path, 'utf8').split('\n');
// Each frame in two parts, around the digits of its resourceVersion.
const changes = frames.map((frame) => {
  const version = /"resourceVersion":"(\d+)"/.exec(frame);
  if (version === null) throw new Error('a frame without resourceVersion');
  const start = version.index + '"resourceVersion":"'.length;
  const end = version.index + version[0].length - 1;
  return [frame.slice(0, start).replace('"ADDED"', '"MODIFIED"'), frame.slice(end)] as const;
});

let resourceVersion = 10_000_000;
function change(i: number): string {
  const [head, tail] = changes[i % changes.length] ?? ['', ''];
  return `${head}${++resourceVersion}${tail}\n`;
}

async function send(response: ServerResponse, text: string): Promise<void> {
  if (!response.write(text)) await new Promise((resolve) => response.once('drain', resolve));
}

const server = createServer((request, response) => {
  if (request.url?.includes('sendInitialEvents=true') !== true) {
    response.writeHead(500).end('one watch only');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  void (async () => {
    for (const frame of frames) await send(response, `${frame}\n`);
    const bookmark = {
      metadata: { resourceVersion: '10000000', annotations: { 'k8s.io/initial-events-end': 'true' } },
    };
    await send(response, `${JSON.stringify({ type: 'BOOKMARK', object: bookmark })}\n`);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // the initial events are not what is measured
    const began = performance.now();
    let sent = 0;
    for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - began) / 1000) {
      const due = rate === 0 ? sent + 100 : Math.floor(elapsed * rate);
      while (sent < due) {
        let text = '';
        for (const end = Math.min(due, sent + 50); sent < end;) text += change(sent++);
        await send(response, text);
      }
      await new Promise((resolve) => (rate === 0 ? setImmediate(resolve) : setTimeout(resolve, 5)));
    }
    console.log(`sent ${sent}`);
  })();
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(`port ${address.port}`);
});
