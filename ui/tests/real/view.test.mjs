// The view against a coordinator, a broker and Redis (world.py starts them): an order is started
// and watched, one fails and is taken back, one gets stuck and is mended, a next version is written
// and deployed, and a thousand are mended by one job.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, launch, open, picture } from '../browser.mjs';
import { api } from './api.mjs';

const address = process.env.SAGA_VIEW ?? '';
let browser;
let visit;
before(async () => {
  browser = await launch();
  visit = await open(browser, address);
});
after(async () => {
  await browser?.close();
});

const go = (place) => visit.page.goto(address + place);
const box = (kind, name) => visit.page.locator(`.box.${kind}`, { hasText: name });
const status = (word) => visit.page.locator('h1 + .statuses', { hasText: word });

async function start(key, order) {
  const { page } = visit;
  await go('#/sagas/start?definition=view-order');
  await page.getByLabel(/^Key/).fill(key);
  await page.getByLabel(/^Input/).fill(JSON.stringify({ orderId: key, customer: 'c-1', ...order }));
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('heading', { name: 'view-order/' + key }).waitFor();
}

async function isFine(name) {
  await picture(visit.page, 'real-' + name);
  assert.deepEqual(await accessibility(visit.page), []);
  assert.deepEqual(visit.trouble, []);
}

test('a token is asked for', async () => {
  const { page } = visit;
  await page.getByLabel('Token').fill('something else');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('is not good').waitFor();
  await page.getByLabel('Token').fill(process.env.SAGA_VIEW_TOKEN ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByText('live', { exact: true }).waitFor();
});

test('an order is started, and watched to its end', async () => {
  await start('o-1', {});
  await box('open', 'reserve').waitFor();
  await box('open', 'charge').waitFor();
  await isFine('running');
  await status('completed').waitFor();
  await box('end-completed.here', 'completed').waitFor();
  await box('pivot.done', 'ship').waitFor();
  await isFine('completed');
});

test('one that fails is taken back before one’s eyes', async () => {
  await start('o-2', { declined: true });
  await box('failed', 'charge').waitFor();
  await box('compensation.done', 'Release').waitFor();
  await status('compensated').waitFor();
  await visit.page
    .getByRole('row', { name: /take back reserve/ })
    .getByText('taken back')
    .waitFor();
  await isFine('compensated');
});

test('one gets stuck, and an operator mends it', async () => {
  const { page } = visit;
  await start('o-3', { declined: true, stuck: true, big: 1 });
  await status('stuck').waitFor();
  await box('compensation.failed', 'Release').waitFor();
  await isFine('stuck');
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByLabel(/Reason/).fill('the shelf is free again');
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await status('compensated').waitFor();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByText(/^ada said retry .*: the shelf is free again$/).waitFor();
  await isFine('mended');
});

test('what the saga refuses is said in its words', async () => {
  const { page } = visit;
  await go('#/sagas/view-order/o-1');
  await status('completed').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Retry' }).count(), 0);
});

test('sagas are found by status, by what they are searched by, and by their errors', async () => {
  const { page } = visit;
  const rows = (count) =>
    page.waitForFunction((n) => document.querySelectorAll('tbody tr').length === n, count);
  await go('#/sagas?status=compensated');
  await rows(2);
  await page.getByRole('searchbox').fill('customer:c-1');
  await page.getByRole('searchbox').press('Enter');
  await rows(2);
  await page.getByRole('link', { name: /^all/ }).click();
  await rows(3);
  await go('#/sagas');
  await page.getByRole('searchbox').fill('declined');
  await page.getByRole('searchbox').press('Enter');
  await rows(2);
  await isFine('list');
});

test('the data of an order', async () => {
  const { page } = visit;
  await go('#/sagas/view-order/o-3?tab=data');
  await page.getByRole('region', { name: 'input' }).getByText('"big": 1').waitFor();
  await isFine('data');
});

test('a next version is written with findings on the way, edited on the picture, and deployed', async () => {
  const { page } = visit;
  await go('#/definitions/view-order/edit');
  const text = page.getByRole('textbox', { name: /Text of the definition/ });
  const whole = await text.inputValue();
  assert.match(whole, /^version: 2$/m);
  await text.fill(whole.replace('timeout: 20s', 'timout: 20s'));
  await page
    .getByText(/timout/)
    .last()
    .waitFor();
  await page.locator('.findings li.error').first().waitFor();
  await isFine('findings');
  await text.fill(whole);
  await box('step', 'reserve').click();
  await page.getByLabel('What to add behind it').selectOption('wait');
  await page.getByRole('button', { name: 'Add behind it' }).click();
  await text.fill((await text.inputValue()).replace('wait: 1h', 'wait: 1s'));
  await page.locator('.editor-picture .box.wait').waitFor();
  assert.match(
    await text.inputValue(),
    /NotReleased # a person must look\n {2}- wait: 1s\n {2}- step: charge/,
  );
  await isFine('editor');
  await page.getByRole('button', { name: 'Look' }).click();
  await page
    .getByRole('heading', { name: '0 of 3 sagas would have gone the same way, 3 would not.' })
    .waitFor();
  const charge = page.locator('.what-if-result tr', { hasText: 'does not send Charge' });
  assert.match(await charge.innerText(), /^charge\s.*\s3\s/s);
  await charge.getByRole('link', { name: 'view-order/o-2' }).waitFor();
  await page.getByText(/^What would have followed .* is unknown: \d+ recorded events/).waitFor();
  await isFine('what-if');
  await page.getByRole('button', { name: 'Deploy view-order version 2' }).click();
  await page.getByRole('heading', { name: 'view-order, version 2' }).waitFor();
  await page.getByRole('tab', { name: 'Compare versions' }).click();
  await page.locator('tr.added', { hasText: 'wait: 1s' }).waitFor();
  await isFine('compare');
  await start('o-4', {});
  await page.getByRole('link', { name: 'version 2' }).waitFor();
  await status('completed').waitFor();
});

test('the overview, the definitions and the dead letters', async () => {
  const { page } = visit;
  await go('#/');
  await page.getByRole('link', { name: /^2 completed/ }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.lane.confirmed').length === 4);
  await isFine('overview');
  await go('#/definitions');
  await page.getByRole('link', { name: 'view-order version 2' }).waitFor();
  await isFine('definitions');
  await go('#/dead-letters');
  await page.getByText('There are none.').waitFor();
  await go('#/operations');
  await page.getByRole('row', { name: /ada.*deploy.*view-order version 2.*done/ }).waitFor();
  await isFine('operations');
});

const MANY = 1000;

async function many(status) {
  const { items } = await api('/counts?search=customer:many');
  return items.find((item) => item.status === status)?.count ?? 0;
}

async function comeTo(status, count) {
  while ((await many(status)) !== count) await new Promise((resolve) => setTimeout(resolve, 500));
}

test('a thousand that are stuck are mended by one job', { timeout: 300_000 }, async () => {
  const { page } = visit;
  const keys = [...Array(MANY).keys()].map((i) => `many-${i}`);
  const startSome = async () => {
    for (let key = keys.pop(); key; key = keys.pop())
      await api('/sagas', {
        definition: 'view-order',
        key,
        input: { orderId: key, customer: 'many', declined: true, stuck: true, many: true },
      });
  };
  await Promise.all(Array.from({ length: 20 }, startSome));
  await comeTo('stuck', MANY);
  await go('#/');
  await page
    .getByRole('row', { name: /^view-order reserve compensation .*NotReleased .* 200$/ })
    .waitFor();
  await page.getByText('Of the 200 that got stuck last.').waitFor();
  await isFine('overview-stuck');
  await go('#/definitions/view-order');
  await page.locator('.box', { hasText: 'reserve' }).getByText('1,000 stuck').waitFor();
  await isFine('figures');
  await go('#/sagas?status=stuck&search=customer:many');
  await page.getByRole('link', { name: 'Say something to all of these' }).click();
  await page.getByRole('button', { name: 'Show which' }).click();
  await page.getByRole('heading', { name: 'It means 1,000 sagas' }).waitFor();
  await page.getByText('and 980 more').waitFor();
  await page.getByLabel(/^Reason/).fill('the shelves are free again');
  await page.getByLabel(/^Sagas a second/).fill('200');
  await isFine('bulk');
  await page.getByRole('button', { name: 'Retry 1,000 sagas' }).click();
  await page.locator('.status', { hasText: /^running$/ }).waitFor();
  await isFine('job');
  await page.locator('.status', { hasText: /^done$/ }).waitFor();
  await page.getByText('1,000 of 1,000 sent').waitFor();
  await isFine('job-done');
  await comeTo('compensated', MANY);
  assert.equal(await many('stuck'), 0);
  await page.getByRole('link', { name: 'What each saga made of it' }).click();
  await page
    .getByRole('row', { name: /retry.*view-order\/many-/ })
    .first()
    .waitFor();
  await isFine('job-sagas');
  await go('#/sagas/view-order/many-417?tab=history');
  await page.getByText(/^ada said retry .*: the shelves are free again$/).waitFor();
  await go('#/operations?verb=retry');
  const row = page.getByRole('row', { name: /the shelves are free again/ });
  await row.getByText('1,000 sagas').waitFor(); // the job, and not each saga
  assert.equal(await row.count(), 1);
});

test('blocks of every kind are put behind one on the picture, and `saga check` takes them', async () => {
  const { page } = visit;
  await go('#/definitions/new');
  const text = page.getByRole('textbox', { name: /Text of the definition/ });
  const begun = await text.inputValue();
  const checked = async () => {
    await page.locator('#findings-count:not(.quiet)').waitFor();
    return page.locator('.findings li.error').allInnerTexts();
  };
  const boxes = () => page.locator('.editor-picture .box').count();
  await box('step', 'first').waitFor();
  assert.deepEqual(await checked(), []);
  const few = await boxes();
  await box('step', 'first').click();
  const kinds = await page
    .getByLabel('What to add behind it')
    .locator('option')
    .evaluateAll((all) => all.map((option) => option.value));
  assert.equal(kinds.length, 13);
  for (const kind of kinds) {
    await box('step', 'first').click();
    await page.getByLabel('What to add behind it').selectOption(kind);
    await page.getByRole('button', { name: 'Add behind it' }).click();
    assert.notEqual(await text.inputValue(), begun);
    assert.deepEqual(await checked(), [], kind);
    assert.ok((await boxes()) > few, kind);
    if (kind === 'choose' || kind === 'parallel') {
      const some = await boxes();
      await page.getByRole('button', { name: 'Add a branch' }).click();
      assert.deepEqual(await checked(), [], kind);
      assert.ok((await boxes()) > some, kind);
      await text.press('Control+z');
    }
    await text.press('Control+z');
    assert.equal(await text.inputValue(), begun, kind);
    await checked();
  }
  assert.deepEqual(visit.trouble, []);
});

const PARENT = `saga: view-parent
version: 1
start: { topic: view.orders, event: ParentPlaced, key: .orderId }
steps:
  - saga: view-order
    input: '.input'
`;

test('a child saga is a link, and one of any letters is itself', async () => {
  const { page } = visit;
  const key = '<b>\u202eabc</b> مرحبا';
  await go('#/definitions/new');
  await page.getByRole('textbox', { name: /Text of the definition/ }).fill(PARENT);
  await page.getByRole('button', { name: 'Deploy view-parent version 1' }).click();
  await page.getByRole('heading', { name: 'view-parent, version 1' }).waitFor();
  await api('/sagas', {
    definition: 'view-parent',
    key,
    input: { orderId: 'k', customer: 'child' },
  });
  await go('#/sagas/view-parent/' + encodeURIComponent(key));
  await page.getByRole('heading', { name: 'view-parent/<b>\\u{202e}abc</b> مرحبا' }).waitFor();
  await page
    .locator('table.steps')
    .getByRole('link', { name: /^view-order\// })
    .click();
  await page.getByRole('link', { name: /^view-parent\/<b>/ }).waitFor();
  await isFine('child');
});
