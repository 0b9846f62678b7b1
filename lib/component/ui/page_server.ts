/** Serves a page of a daemon: the document, its styles, its script and the data that it asks for. Nothing from elsewhere. */
import type { Exchange, Handler } from '../serving/exchange.ts';
import { json, statusError, text } from '../serving/exchange.ts';
import type { Routes } from '../serving/routes.ts';
import { html } from './html.ts';
import { STYLES } from './styles.ts';

export interface UiPage {
  /** `/ui` */
  readonly path: string;
  readonly title: string;
  /** Runs in the browser, with `<main>` to fill. */
  readonly script: string;
  /**
   * Answers `GET path/NAME...` with JSON, by the first segment below the path.
   *
   * `rest` are the segments after it, decoded. Undefined: there is no such thing (404).
   */
  readonly data: Readonly<Record<string, (rest: readonly string[], query: URLSearchParams) => unknown>>;
}

const HEADERS = {
  // Only what this server sends: a name in the cluster can hold no script that runs here.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export function installPage(routes: Routes, page: UiPage): void {
  const { path, title, script } = page;
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${path}/style.css" />
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <span class="state" id="state" role="status">loading</span>
        </header>
        <main id="main"><noscript>This page is drawn by its script.</noscript></main>
        <script src="${path}/script.js"></script>
      </body>
    </html> `.markup;
  routes.exact(path, asset(document, 'text/html; charset=utf-8'));
  routes.exact(`${path}/style.css`, asset(STYLES, 'text/css; charset=utf-8'));
  routes.exact(`${path}/script.js`, asset(script, 'text/javascript; charset=utf-8'));
  routes.prefix(`${path}/`, async (exchange) => {
    const [name = '', ...rest] = exchange.path
      .slice(path.length + 1)
      .split('/')
      .map(decodeURIComponent);
    const answer = Object.hasOwn(page.data, name) ? page.data[name] : undefined;
    if (!isGet(exchange)) return;
    const value = await answer?.(rest, exchange.query);
    for (const [header, field] of Object.entries(HEADERS)) exchange.res.setHeader(header, field);
    if (value === undefined) statusError(exchange.res, 404, 'NotFound', 'there is nothing here');
    else json(exchange.res, 200, value);
  });
}

function asset(body: string, contentType: string): Handler {
  return (exchange) => {
    if (!isGet(exchange)) return;
    for (const [header, field] of Object.entries(HEADERS)) exchange.res.setHeader(header, field);
    text(exchange.res, body, contentType);
  };
}

function isGet({ req, res }: Exchange): boolean {
  if (req.method === 'GET' || req.method === 'HEAD') return true;
  statusError(res, 405, 'MethodNotAllowed', 'want GET');
  return false;
}
