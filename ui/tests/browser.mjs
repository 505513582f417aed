// A headless Chromium, and what the tests ask of a page: that nothing is refused by the policy,
// that no request leaves the server, that no error is logged, and that axe finds nothing serious.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

// A machine that does much else at the same time is slow, not wrong.
const PATIENCE_MS = 120_000;
const programs = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures =
  process.env.PICTURES ?? fileURLToPath(new URL('../../build/ui-pictures', import.meta.url));

export async function launch() {
  const executablePath = programs.find((program) => program && existsSync(program));
  if (!executablePath)
    throw new Error('there is no Chromium: apt-get install chromium, or say CHROMIUM=/path');
  mkdirSync(pictures, { recursive: true });
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

/** @param {import('playwright-core').Browser} browser @param {string} address @param {object} [options] */
export async function open(browser, address, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1360, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  /** @type {string[]} */
  const trouble = [];
  const origin = new URL(address).origin;
  page.on('console', (message) => {
    // the browser itself logs every answer that is no success
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      trouble.push(message.text());
  });
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:'))
      trouble.push('asked elsewhere: ' + request.url());
  });
  await page.goto(address);
  return { page, context, trouble };
}

/** @param {import('playwright-core').Page} page @param {string} name */
export async function picture(page, name) {
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

/** Findings of axe that are serious or critical, as texts. Runs in the page by the debugger, which
 * no policy forbids.
 * @param {import('playwright-core').Page} page */
export async function accessibility(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    // @ts-ignore made by the line above
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return violations.map((v) => ({
      id: v.id,
      impact: v.impact,
      nodes: v.nodes.map((n) => n.target.join(' ') + ': ' + n.failureSummary),
    }));
  });
  return found
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id} (${v.impact}): ${v.nodes.join('; ')}`);
}
