/** A page of ours in a real browser: what went wrong in it, pictures of it, and what all pages have to keep to. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { chromium } from 'playwright-core';

export class PageTrial {
  readonly tab: Page;
  readonly #pictures: string;
  readonly #errors: string[] = [];
  readonly #elsewhere: string[] = [];
  readonly #problems: string[] = [];

  private constructor(tab: Page, url: string, pictures: string) {
    this.tab = tab;
    this.#pictures = pictures;
    tab.on('pageerror', (err) => void this.#errors.push(err.message));
    tab.on('console', (message) => {
      if (message.type() === 'error') this.#errors.push(message.text());
    });
    tab.on('request', (request) => {
      if (!request.url().startsWith(url.replace(/\/ui$/, '/')) && !request.url().startsWith('data:'))
        this.#elsewhere.push(request.url());
    });
  }

  /**
   * Opens the page at `url`, `width` pixels wide. Pictures go to the folder `pictures`; empty: none are taken.
   *
   * @returns the exit code: 0 when all checks held
   */
  static async run(
    { url, pictures, width }: { readonly url: string; readonly pictures: string; readonly width: number },
    tryOut: (trial: PageTrial) => Promise<void>,
  ): Promise<number> {
    if (pictures !== '') mkdirSync(pictures, { recursive: true });
    const browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox'] });
    try {
      const tab = await browser.newPage({ viewport: { width, height: 1000 } });
      const trial = new PageTrial(tab, url, pictures);
      await tab.goto(url);
      await tryOut(trial);
      trial.check(`no errors in the console: ${trial.#errors.join('; ')}`, trial.#errors.length === 0);
      trial.check(`nothing from elsewhere: ${trial.#elsewhere.join(', ')}`, trial.#elsewhere.length === 0);
      return trial.#problems.length > 0 ? 1 : 0;
    } finally {
      await browser.close();
    }
  }

  /**
   * A whole program: runs the trial while `goOn` is called every so often, closes the page, and ends with the exit code.
   */
  static async main(
    {
      page,
      pictures,
      width,
      goOn,
      everyMs,
    }: {
      readonly page: { readonly url: string; close(): Promise<void> };
      readonly pictures: string;
      readonly width: number;
      readonly goOn: () => void;
      readonly everyMs: number;
    },
    tryOut: (trial: PageTrial) => Promise<void>,
  ): Promise<never> {
    const steady = setInterval(goOn, everyMs);
    let exitCode = 1;
    try {
      exitCode = await PageTrial.run({ url: page.url, pictures, width }, tryOut);
    } finally {
      clearInterval(steady);
      await page.close();
    }
    process.exit(exitCode);
  }

  check(what: string, holds: boolean): void {
    console.log(`${holds ? 'ok    ' : 'FAILED'} ${what}`);
    if (!holds) this.#problems.push(what);
  }

  async text(selector: string): Promise<string> {
    return (await this.tab.locator(selector).first().innerText()).replaceAll(/\s+/g, ' ');
  }

  async picture(name: string): Promise<void> {
    if (this.#pictures !== '')
      await this.tab.screenshot({ path: join(this.#pictures, `${name}.png`), fullPage: true });
  }

  /** As on a phone: nothing may be wider than the screen. */
  async narrow(): Promise<void> {
    await this.tab.setViewportSize({ width: 390, height: 844 });
    await this.tab.waitForTimeout(2500);
    const overflow = Number(
      await this.tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    );
    this.check(`nothing overflows at 390 pixels (${overflow})`, overflow <= 0);
  }
}

/** The browser of the machine. Ends the program with one sentence when there is none. */
function browserPath(): string {
  const path = process.env['TSK_CHROMIUM'] ?? '/usr/bin/chromium';
  if (existsSync(path)) return path;
  console.error(`${path}: no such program: apt-get install chromium, or set TSK_CHROMIUM`);
  process.exit(2);
}
