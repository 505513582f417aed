// How soon a change shows: prints it, and asserts nothing of it. Needs what world.py starts.
//   tests/real/world.py npm run latency
// "from the answer" is from when a service sent its answer to Kafka, "from the start" from when the API had
// answered the start; both to when the page's document has changed. All clocks are this machine's.
import { launch, open } from '../browser.mjs';
import { api } from './api.mjs';

const address = process.env.SAGA_VIEW ?? '';
const TIMES = Number(process.env.TIMES ?? 30);
const run = Date.now().toString(36);

/** @param {string} key @param {object} order */
async function start(key, order) {
  const input = { orderId: key, customer: 'latency', ...order };
  await api('/sagas', { definition: 'view-order', key, input });
  return Date.now();
}

/** @param {string} name @param {number[]} all ms */
function tell(name, all) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ part) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN);
  console.log(
    `${name.padEnd(64)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms (${all.length})`,
  );
}

// In the page: when something was first there, by a name.
function note() {
  /** @type {Record<string, number>} */
  const seen = {};
  const see = (/** @type {string} */ name) => (seen[name] ??= Date.now());
  const look = () => {
    for (const box of document.querySelectorAll('.box.done, .box.failed'))
      see([location.hash, box.querySelector('text')?.textContent?.trim()].join(' '));
    for (const row of document.querySelectorAll('tbody tr')) {
      const [id, status, at] = [...row.children].map((cell) => cell.textContent);
      see(`${id} ${status}`);
      see(`${id} ${status} ${at}`);
    }
    for (const tile of document.querySelectorAll('.tile')) see(tile.textContent ?? '');
  };
  Object.assign(globalThis, { seen });
  new MutationObserver(look).observe(document, {
    ...{ subtree: true, childList: true, attributes: true, characterData: true },
  });
}

const browser = await launch();
const { page } = await open(browser, address);
await page.addInitScript(note);
await page.reload();
await page.getByLabel('Token').fill(process.env.SAGA_VIEW_TOKEN ?? '');
await page.getByRole('button', { name: 'Sign in' }).click();
await page.getByText('live', { exact: true }).waitFor();
const go = (/** @type {string} */ hash) => page.evaluate((to) => void (location.hash = to), hash);
/** @param {string} name @returns {Promise<number>} */
const whenSeen = async (name) => {
  await page.waitForFunction((n) => globalThis.seen[n], name, { polling: 50 });
  return page.evaluate((n) => globalThis.seen[n], name);
};

/** @param {string} name @param {number} after s between the answers @param {number} times */
async function onItsPage(name, after, times) {
  /** @type {number[]} */
  const all = [];
  for (let i = 0; i < times; i++) {
    const key = `page-${run}-${after}-${i}`;
    const hash = `#/sagas/view-order/${key}`;
    await start(key, { after });
    await go(hash);
    await page.locator('.box.end-completed.here').waitFor();
    const history = await api(`/sagas/view-order/${key}/history?bodies=true`);
    for (const { cause } of history.runs[0].items) {
      const step = { Reserved: 'reserve', Charged: 'charge', Shipped: 'pivot: ship' }[cause.type];
      if (step) all.push((await whenSeen(`${hash} ${step}`)) - cause.body.at);
    }
  }
  tell(name, all);
}

async function inTheList() {
  await go('#/sagas');
  await page.getByRole('heading', { name: 'Sagas' }).waitFor();
  await page.locator('tbody tr').first().waitFor();
  /** @type {number[]} */
  const [started, moved, ended] = [[], [], []];
  for (let i = 0; i < TIMES; i++) {
    const key = `list-${run}-${i}`;
    const began = await start(key, { after: 2 });
    const row = `view-order/${key}`;
    started.push((await whenSeen(`${row} running`)) - began);
    await whenSeen(`${row} completed`);
    const history = await api(`/sagas/${row}/history?bodies=true`);
    const at = (/** @type {string} */ type) =>
      history.runs[0].items.find((/** @type {any} */ r) => r.cause.type === type).cause.body.at;
    moved.push((await whenSeen(`${row} running charge`)) - at('Reserved'));
    ended.push((await whenSeen(`${row} completed`)) - at('Shipped'));
  }
  tell('the list: a new row, from the start', started);
  tell('the list: at the next step, from the answer', moved);
  tell('the list: its end, from the answer', ended);
}

async function onTheOverview() {
  await go('#/');
  await page.locator('.tile.completed').waitFor();
  /** @type {number[]} */
  const all = [];
  for (let i = 0; i < TIMES; i++) {
    const before = await page.locator('.tile.completed b').innerText();
    const key = `sum-${run}-${i}`;
    await start(key, { after: 0.2 });
    const next = Number(before.replaceAll(',', '')) + 1;
    const seen = await whenSeen(`${next.toLocaleString('en')} completed`);
    const history = await api(`/sagas/view-order/${key}/history?bodies=true`);
    all.push(seen - history.runs[0].items.at(-1).cause.body.at);
  }
  tell('the overview: how many have ended, from the answer', all);
}

await onItsPage('a saga’s page: a step’s outcome, from the answer', 1.5, Math.ceil(TIMES / 3));
await onItsPage('a saga’s page: the same, 0.3 s between steps', 0.3, TIMES);
await inTheList();
await onTheOverview();
await browser.close();
