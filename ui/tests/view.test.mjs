// The view as people meet it, in a headless Chromium, against the server of mock.mjs. view_test.py
// beside the integration tests does the same against a coordinator.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessibility, open, picture } from './browser.mjs';
import { mock } from './mock.mjs';
import { browser, looks, server, visit, visitOther } from './visiting.mjs';

const places = {
  overview: '#/',
  sagas: '#/sagas',
  saga: '#/sagas/order-fulfilment/o-4713',
  history: '#/sagas/order-fulfilment/o-4713?tab=history',
  data: '#/sagas/order-fulfilment/o-4713?tab=data',
  start: '#/sagas/start',
  definitions: '#/definitions',
  definition: '#/definitions/order-fulfilment',
  figures: '#/definitions/order-fulfilment/1',
  trip: '#/definitions/trip-booking',
  text: '#/definitions/order-fulfilment/1?tab=text&line=42',
  compare: '#/definitions/order-fulfilment/2?tab=changes',
  editor: '#/definitions/order-fulfilment/edit',
  'what-if': '#/definitions/order-fulfilment?tab=what-if',
  jobs: '#/jobs',
  job: '#/jobs/3f9a0c1d2e4b',
  bulk: '#/jobs/new?where=status%3Dstuck',
  operations: '#/operations',
  letters: '#/dead-letters',
  letter: '#/dead-letters/2/42',
};
// In the page: short words that do not stand in one line.
const broken = () =>
  [...document.querySelectorAll('.outcome, .status, .tile span, td.number, td time')]
    .filter((word) => {
      const range = document.createRange();
      range.selectNodeContents(word);
      const lines = [...range.getClientRects()].map((rect) => Math.round(rect.bottom));
      return !word.querySelector('.note') && Math.max(...lines) - Math.min(...lines) > 8;
    })
    .map((word) => word.textContent);

for (const [look, options] of Object.entries(looks))
  describe(`every page, ${look}`, () => {
    for (const [name, place] of Object.entries(places))
      test(name, () =>
        visit(
          place,
          async (page) => {
            await page.waitForSelector('main h1');
            await page.waitForFunction(
              () => !/Reading|Drawing/.test(document.querySelector('main').textContent),
            );
            await picture(page, `${look}-${name}`);
            assert.deepEqual(await accessibility(page), []);
            const over = await page.evaluate(
              () => document.documentElement.scrollWidth - innerWidth,
            );
            assert.ok(over <= 0, `it is ${over} px wider than the screen`);
            assert.deepEqual(await page.evaluate(broken), []);
          },
          options,
        ),
      );
  });

for (const place of ['saga', 'letters', 'figures'])
  test(`no word is cut where two columns have just room: ${place}`, () =>
    visit(
      places[place],
      async (page) => {
        await page.locator('tbody tr').first().waitFor();
        assert.deepEqual(await page.evaluate(broken), []);
      },
      { viewport: { width: 1130, height: 800 } },
    ));

describe('finding sagas', () => {
  test('by status, and the count says how many', () =>
    visit('#/sagas', async (page) => {
      await page.getByRole('link', { name: /^stuck 2$/ }).click();
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
      assert.match(page.url(), /status=stuck/);
    }));

  test('an id leads to the saga, a value searches, words look through errors', () =>
    visit('#/sagas', async (page) => {
      const find = async (text) => {
        await page.getByRole('searchbox').fill(text);
        await page.getByRole('searchbox').press('Enter');
      };
      await find('nocourier');
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 3);
      await find('customer:c-99');
      await page.getByText('No saga is like that.').waitFor();
      await find('order-fulfilment/o-4712');
      await page.getByRole('heading', { name: 'order-fulfilment/o-4712' }).waitFor();
    }));

  test('more are shown when they are asked for, by one request', () =>
    visit('#/sagas?status=completed', async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 50);
      const both = page.waitForRequest(/sagas\?status=completed&limit=100$/);
      await page.getByRole('button', { name: 'Show more' }).click();
      await both;
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 100);
    }));

  test('what is stuck, and on what, stands on the overview and leads to them', () =>
    visit('#/', async (page) => {
      const stuck = page.getByRole('table', { name: /^Stuck sagas/ });
      await stuck
        .getByRole('row', {
          name: /^order-fulfilment taking back charge-card compensation no answer after 5 attempts .* 2$/,
        })
        .waitFor();
      await stuck.getByRole('link', { name: '2' }).click();
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
      assert.match(page.url(), /status=stuck&definition=order-fulfilment&step=charge-card$/);
    }));

  test('a filter is kept by name, and forgotten', () =>
    visit('#/sagas?status=stuck', async (page) => {
      await page.getByLabel('Name for this filter').fill('mine');
      await page.getByRole('button', { name: 'Save filter' }).click();
      await page.goto(server.address + '#/sagas');
      await page.getByRole('link', { name: 'mine' }).click();
      await page.waitForFunction(() => location.hash === '#/sagas?status=stuck');
      await page.getByRole('button', { name: 'Forget the filter mine' }).click();
      assert.equal(await page.getByRole('link', { name: 'mine' }).count(), 0);
    }));

  test('a key of any characters', () =>
    visit('#/sagas', async (page) => {
      await page.getByRole('link', { name: 'order-fulfilment/a/b c%20' }).click();
      await page.getByRole('heading', { name: 'order-fulfilment/a/b c%20' }).waitFor();
      assert.ok(server.asked.includes('GET /api/v1/sagas/order-fulfilment/a%2Fb%20c%2520'));
    }));
});

describe('one saga', () => {
  const mark = (page, name) =>
    page
      .locator('.graph')
      .getByRole('img')
      .or(page.locator('.graph').getByRole('button'))
      .filter({ hasText: name });

  test('is watched while it goes, without being asked', () =>
    visit('#/sagas/order-fulfilment/o-4715', async (page) => {
      await page.getByText('live', { exact: true }).waitFor();
      await page.locator('.box.open', { hasText: 'charge-card' }).waitFor();
      server.change('o-4715', (order) => order.answered('CardCharged'));
      await page.locator('.box.done', { hasText: 'charge-card' }).waitFor();
      await page.locator('.box.open', { hasText: 'book-courier' }).waitFor();
      server.change('o-4715', (order) => order.answered('NoCourier'));
      await page.locator('.box.failed', { hasText: 'book-courier' }).waitFor();
      await page.locator('.box.compensation.open', { hasText: 'RefundCard' }).waitFor();
      assert.match(await mark(page, 'RefundCard').getAttribute('aria-label'), /being taken back/);
      server.change('o-4715', (order) => order.backDone());
      server.change('o-4715', (order) => order.backDone());
      await page.locator('h1 + .statuses', { hasText: 'compensated' }).waitFor();
      await page.locator('.box.end-compensated.here').waitFor();
      await page.getByRole('row', { name: /take back reserve-stock/ }).waitFor();
    }));

  test('what changes while it is asked for is asked for next, and no answer is thrown away', () =>
    visitOther({}, '#/sagas/order-fulfilment/a%2Fb%20c%2520', async (page, other) => {
      await page.getByText('live', { exact: true }).waitFor();
      await page.locator('.box.open', { hasText: 'reserve-stock' }).waitFor();
      let thrown = 0;
      page.on('requestfailed', (request) => /c%2520\?/.test(request.url()) && thrown++);
      await page.route(/c%2520\?/, async (route) => {
        const answer = await route.fetch();
        await new Promise((resolve) => setTimeout(resolve, 1000));
        await route.fulfill({ response: answer });
      });
      for (const type of ['StockReserved', 'FraudCleared', 'CardCharged', 'NoCourier']) {
        other.change('a/b c%20', (order) => order.answered(type));
        await new Promise((resolve) => setTimeout(resolve, 900));
      }
      await page.locator('h1 + .statuses', { hasText: 'compensating' }).waitFor();
      assert.equal(thrown, 0);
    }));

  test('is mended by an operator, with a reason', () =>
    visit('#/sagas/order-fulfilment/o-4713', async (page) => {
      await page.getByRole('button', { name: 'Retry' }).click();
      const dialog = page.getByRole('dialog', { name: /Retry order-fulfilment/ });
      assert.ok(await dialog.getByRole('button', { name: 'Retry' }).isDisabled());
      await dialog.getByLabel(/Reason/).fill('the bank is back');
      assert.deepEqual(await accessibility(page), []);
      await dialog.getByRole('button', { name: 'Retry' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByText('retry: done', { exact: true }).waitFor();
      await page.locator('.box.compensation.done', { hasText: 'RefundCard' }).waitFor();
      await page.getByRole('tab', { name: 'History' }).click();
      await page.getByText('ada said retry: the bank is back').waitFor();
    }));

  test('that waits for a person: its steps are drawn along the time that they took', () =>
    visit('#/sagas/order-fulfilment/' + encodeURIComponent('o-4714 <b>&amp;'), async (page) => {
      await page.locator('.bar').first().waitFor();
      const last = await page
        .locator('.bar .span')
        .last()
        .evaluate((bar) => Number(bar.getAttribute('x')) + Number(bar.getAttribute('width')));
      assert.ok(last > 990, `the last one ends at ${last} of 1000`);
    }));

  test('what is not possible says why, and is not sent', () =>
    visit('#/sagas/order-fulfilment/o-4711', async (page) => {
      const before = server.asked.length;
      await page.getByRole('button', { name: 'Cancel' }).click({ force: true }); // grey, and says why
      await page.getByText('Cancel is not possible: it compensates, or has ended').waitFor();
      assert.ok(!server.asked.slice(before).some((line) => line.startsWith('POST')));
    }));

  test('is resolved, and how is asked', () =>
    visit('#/sagas/order-fulfilment/' + encodeURIComponent('o-4714 <b>&amp;'), async (page) => {
      await page.getByRole('button', { name: 'Resolve' }).click();
      await page.getByLabel(/abandoned/).check();
      await page.getByLabel(/Reason/).fill('nobody lives there');
      await page.getByRole('dialog').getByRole('button', { name: 'Resolve' }).click();
      await page.locator('h1 + .statuses', { hasText: 'abandoned' }).waitFor();
      await page.getByText('resolved by an operator').waitFor();
    }));

  test('shows what it knows, digit for digit, and runs none of it', () =>
    visit('#/sagas/order-fulfilment/o-4712?tab=data', async (page) => {
      const input = page.getByRole('region', { name: 'input' });
      await input.waitFor();
      const text = await input.textContent();
      assert.match(text, /"card": 9007199254740993/);
      assert.match(text, /"total": 59\.90/);
      assert.match(text, /<script>/);
      assert.notEqual(await page.title(), 'owned');
    }));

  test('by the keyboard alone', () =>
    visit('#/sagas/order-fulfilment/o-4712', async (page) => {
      await page.getByRole('tab', { name: 'Where it stands' }).focus();
      await page.keyboard.press('ArrowRight');
      await page.getByText('OrderPlaced came').waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.textContent), 'History');
      await page.getByRole('link', { name: 'To the content' }).focus();
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    }));

  test('a picture is one stop of Tab, its boxes are walked by the arrow keys', () =>
    visit('#/sagas/order-fulfilment/o-4712', async (page) => {
      const name = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
      await page.locator('.box.done').first().waitFor();
      await page.locator('.graph-scroll').focus();
      await page.keyboard.press('Tab');
      assert.match(await name(), /^reserve-stock/);
      await page.keyboard.press('ArrowDown');
      assert.match(await name(), /^check-fraud/);
      await page.keyboard.press('ArrowDown');
      assert.match(await name(), /^charge-card/);
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowRight');
      assert.match(await name(), /^ReleaseStock, compensation/);
      await page.keyboard.press('Enter');
      await page.locator('tr.chosen', { hasText: 'take back reserve-stock' }).waitFor();
      await page.keyboard.press('Tab');
      assert.equal(await page.locator('.graph :focus').count(), 0);
    }));

  test('a box leads to its row of the timeline', () =>
    visit('#/sagas/order-fulfilment/o-4712', async (page) => {
      await page
        .locator('.graph')
        .getByRole('button', { name: /^ReleaseStock, compensation/ })
        .click();
      await page.locator('tr.chosen', { hasText: 'take back reserve-stock' }).waitFor();
    }));

  test('that there is not, in words', () =>
    visit('#/sagas/order-fulfilment/nobody', async (page) => {
      await page.getByText('There is no such saga').waitFor();
    }));

  test('is started by hand', () =>
    visit('#/sagas/start?definition=order-fulfilment', async (page) => {
      await page.getByLabel(/^Key/).fill('o-5000');
      await page.getByLabel(/^Input/).fill('{"total": 12');
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByText('The input is not JSON').waitFor();
      await page.getByLabel(/^Input/).fill('{"total": 12345678901234567890}');
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByRole('heading', { name: 'order-fulfilment/o-5000' }).waitFor();
      await page.locator('.box.open', { hasText: 'check-fraud' }).waitFor();
    }));
});

describe('many sagas', () => {
  test('a filter is shown to be wrong where it is', () =>
    visit('#/jobs/new?where=status%3Dstuck%20statsu%3Drunning', async (page) => {
      await page.getByRole('button', { name: 'Show which' }).click();
      await page.getByRole('alert').getByText('is no word of a filter').waitFor();
      const field = page.getByLabel(/^To which sagas/);
      const chosen = await field.evaluate((f) => f.value.slice(f.selectionStart, f.selectionEnd));
      assert.equal(chosen, 'statsu=running');
    }));

  test('are shown first, then told by a job, which is watched', () =>
    visitOther({}, '#/sagas?status=stuck', async (page, other) => {
      await page.getByRole('link', { name: 'Say something to all of these' }).click();
      const field = page.getByLabel(/^To which sagas/);
      assert.equal(await field.inputValue(), 'status=stuck');
      await field.fill('status=stuck key~o-471');
      const before = other.asked.length;
      await page.getByRole('button', { name: 'Show which' }).click();
      await page.getByRole('heading', { name: /^It means \d saga/ }).waitFor();
      await page.getByRole('link', { name: 'order-fulfilment/o-4714 <b>&amp;' }).waitFor();
      const begin = page.getByRole('button', { name: /^Retry \d sagas?$/ });
      assert.ok(await begin.isDisabled());
      await page.getByLabel(/^Reason/).fill('the bank is back');
      await picture(page, 'light-bulk-shown');
      assert.deepEqual(await accessibility(page), []);
      // what was shown is of that filter: another one is shown first
      await field.fill('status=stuck');
      assert.equal(await begin.count(), 0);
      assert.ok(other.asked.slice(before).every((line) => !/sagas\/.*(retry|skip)/.test(line)));
      await page.getByRole('button', { name: 'Show which' }).click();
      await begin.click();
      await page.getByRole('heading', { name: /^Job / }).waitFor();
      await page.locator('.status', { hasText: /^done$/ }).waitFor();
      const { hash } = new URL(page.url());
      await page.getByRole('link', { name: 'What each saga made of it' }).click();
      await page.getByText(/^Filters: job [0-9a-f]{12}$/).waitFor();
      await page.getByRole('row', { name: /the bank is back/ }).waitFor();
      assert.equal(new URL(page.url()).hash, '#/operations?job=' + hash.split('/').pop());
      await page.goto(other.address + hash);
      await page.getByRole('link', { name: 'Who is like that now?' }).click();
      await page.getByRole('button', { name: 'Show which' }).click();
      await page.getByRole('heading', { name: 'It means no saga' }).waitFor();
      await page.goto(other.address + '#/sagas?status=stuck');
      await page.getByText('No saga is like that.').waitFor();
    }));

  test('a job is stopped', () =>
    visitOther({}, '#/jobs/new?where=status%3Dcompleted', async (page) => {
      await page.getByLabel('What to say').selectOption('pause');
      await page.getByRole('button', { name: 'Show which' }).click();
      await page.getByText('and 110 more').waitFor();
      await page.getByLabel(/^Reason/).fill('to be stopped');
      await page.getByRole('button', { name: 'Pause 130 sagas' }).click();
      await page.locator('.status', { hasText: /^running$/ }).waitFor();
      await page.getByRole('progressbar', { name: 'Sagas dealt with' }).waitFor();
      await page.getByRole('button', { name: 'Stop it' }).click();
      await page.locator('.status', { hasText: /^stopped$/ }).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Stop it' }).count(), 0);
      await page.getByRole('link', { name: 'All jobs' }).click();
      await page
        .getByRole('row', { name: /pause status=completed to be stopped stopped/ })
        .waitFor();
    }));

  test('a viewer looks, and is offered nothing', () =>
    visitOther({ roles: ['viewer'] }, '#/sagas?status=stuck', async (page, other) => {
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
      assert.equal(await page.getByRole('link', { name: /Say something/ }).count(), 0);
      await page.goto(other.address + '#/jobs');
      await page.getByRole('link', { name: '3f9a0c1d2e4b' }).waitFor();
      assert.equal(await page.getByRole('link', { name: /A command for many/ }).count(), 0);
      await page.goto(other.address + '#/jobs/new');
      await page.getByText('That takes the role operator.').waitFor();
      await page.goto(other.address + '#/sagas/start');
      await page.getByRole('heading', { name: 'Start a saga' }).waitFor();
      await page.getByText('That takes the role operator.').waitFor();
    }));
});

describe('definitions', () => {
  test('a box leads to its text', () =>
    visit('#/definitions/order-fulfilment/1', async (page) => {
      await page.getByRole('button', { name: /charge-card ChargeCard/ }).focus();
      await page.keyboard.press('Enter');
      await page
        .getByRole('region', { name: 'Its text' })
        .getByText('failure: [CardDeclined, CardExpired]')
        .waitFor();
      await page.getByRole('button', { name: /Show it in the text/ }).click();
      await page.locator('li.shown', { hasText: 'step: charge-card' }).waitFor();
    }));

  test('counts and durations stand on the picture, in words too, and can be turned off', () =>
    visit('#/definitions/order-fulfilment/1', async (page) => {
      const box = page.getByRole('button', { name: /^charge-card ChargeCard/ });
      await box.getByText('6 % failed, <1 % unknown').waitFor();
      assert.match(
        await box.getAttribute('aria-label'),
        /: p50 1\.2s, p99 10s, 6 % failed, <1 % unknown, 1,204, 2 stuck here now, \d+ % of the time$/,
      );
      await box.getByText('1,204 ').waitFor();
      await box.getByText('2 stuck').waitFor();
      const end = page.getByRole('img', { name: /^completed: \d+ sagas completed$/ });
      await end.waitFor();
      await page.getByRole('row', { name: /^completed 130 2\.3s 9\.2s 20s$/ }).waitFor();
      const row = page.getByRole('row', { name: /^charge-card/ });
      assert.equal(
        await row.getByRole('link').getAttribute('href'),
        '#/sagas?definition=order-fulfilment&version=1&step=charge-card',
      );
      await page.getByLabel('counts and durations').uncheck();
      await box.getByText('failed').waitFor({ state: 'detached' });
      assert.equal(await row.count(), 0);
      await page.reload();
      assert.ok(!(await page.getByLabel('counts and durations').isChecked()));
      await page.getByLabel('counts and durations').check();
      await row.waitFor();
    }));

  test('findings come while one types, lead to their line, and the next version is deployed', () =>
    visit('#/definitions/order-fulfilment/edit', async (page) => {
      const text = page.getByRole('textbox', { name: /Text of the definition/ });
      const whole = await text.inputValue();
      assert.match(whole, /^version: 3$/m);
      assert.match(whole, /# past it, compensate/);
      await text.fill(whole.replace('  timeout: 2s', '  timout: 2s'));
      await page.getByText('`timout` is no field of a step').waitFor();
      assert.ok(await page.getByRole('button', { name: /^Deploy/ }).isDisabled());
      await picture(page, 'light-findings');
      await page.getByRole('button', { name: 'Line 23' }).click();
      assert.equal(
        await text.evaluate((t) => t.value.slice(t.selectionStart, t.selectionStart + 6)),
        'timout',
      );
      await text.fill(whole.replace('  timeout: 2s', '  timeout: 3s'));
      await page.getByRole('button', { name: 'Deploy order-fulfilment version 3' }).click();
      await page.getByRole('heading', { name: 'order-fulfilment, version 3' }).waitFor();
      await page.getByRole('tab', { name: 'Compare versions' }).click();
      await page.locator('tr.added', { hasText: 'timeout: 3s' }).waitFor();
    }));

  test('blocks are moved on the picture, the text keeps its comments, undo takes it back', () =>
    visit('#/definitions/order-fulfilment/edit', async (page) => {
      const text = page.getByRole('textbox', { name: /Text of the definition/ });
      const steps = async () =>
        [...(await text.inputValue()).matchAll(/^ {2}- step: (\S+)/gm)].map((m) => m[1]);
      const block = (name) => page.locator('.editor-picture .box', { hasText: name });
      const drawn = (name) => page.getByRole('group', { name: `Block ${name}` });
      const begun = await text.inputValue();
      const [reserve, check, charge, ...rest] = await steps();
      await block('check-fraud').click();
      await drawn('check-fraud').getByRole('button', { name: 'Move up' }).click();
      assert.deepEqual(await steps(), [check, reserve, charge, ...rest]);
      assert.match(
        await text.inputValue(),
        /compensate: none # it only looks: nothing to take back/,
      );
      await drawn('check-fraud')
        .getByLabel('Move it behind')
        .selectOption({ label: 'charge-card' });
      assert.deepEqual(await steps(), [reserve, charge, check, ...rest]);
      await drawn('check-fraud').getByLabel('What to add behind it').selectOption('wait');
      await drawn('check-fraud').getByRole('button', { name: 'Add behind it' }).click();
      assert.match(
        await text.inputValue(),
        /nothing to take back\n\n {2}- wait: 1h\n\n {2}- step: book-courier/,
      );
      await block('send-receipt').click();
      await drawn('send-receipt').getByRole('button', { name: 'Take out' }).click();
      assert.ok(!(await text.inputValue()).includes('send-receipt'));
      await picture(page, 'light-blocks');
      assert.deepEqual(await accessibility(page), []);
      for (let i = 0; i < 4; i++) {
        await text.focus();
        await page.keyboard.press('Control+z');
      }
      assert.equal(await text.inputValue(), begun);
      await page.waitForFunction(
        () => document.querySelectorAll('.editor-picture .box').length === 8,
      );
      await block('reserve-stock').hover();
      await page.mouse.down();
      await block('charge-card').hover();
      await page.locator('.box.over').waitFor();
      await page.mouse.up();
      assert.deepEqual(await steps(), [check, charge, reserve, ...rest]);
    }));

  test('what is written stays when one looks elsewhere, or the token ends', () =>
    visit('#/definitions/order-fulfilment/edit', async (page) => {
      const text = page.getByRole('textbox', { name: /Text of the definition/ });
      const begun = await text.inputValue();
      await text.fill(begun + '# mine\n');
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      await page.goBack();
      await page.getByText('What you had written is here again').waitFor();
      assert.equal(await text.inputValue(), begun + '# mine\n');
      const checks = '**/api/v1/definitions/check';
      await page.route(checks, (route) => route.fulfill({ status: 401, body: '{}' }));
      await text.fill(begun + '# mine, and more\n');
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await page.unroute(checks);
      await page.getByLabel('Token').fill('another');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await text.waitFor();
      assert.equal(await text.inputValue(), begun + '# mine, and more\n');
      await page.getByRole('button', { name: 'Begin anew' }).click();
      assert.equal(await text.inputValue(), begun);
      await text.press('Control+z');
      assert.equal(await text.inputValue(), begun + '# mine, and more\n');
    }));

  test('while the coordinator is away it says so, and what was asked comes by itself', () =>
    visit('#/definitions/order-fulfilment/edit', async (page) => {
      const text = page.getByRole('textbox', { name: /Text of the definition/ });
      const begun = await text.inputValue();
      const all = '**/api/v1/**';
      await page.route(all, (route) => route.abort());
      await text.fill(begun + '# timout: 1s\n');
      await page.getByRole('alert').getByText('The coordinator does not answer').waitFor();
      await page.getByText('not live', { exact: true }).waitFor();
      assert.ok(await page.getByRole('button', { name: /^Deploy/ }).isDisabled());
      await page.unroute(all);
      await page.getByText('`timout` is no field of a step').waitFor();
      assert.equal(await page.getByRole('alert').count(), 0);
    }));

  test('a picture of another text moves nothing', () =>
    visit('#/definitions/order-fulfilment/edit', async (page) => {
      const text = page.getByRole('textbox', { name: /Text of the definition/ });
      const begun = await text.inputValue();
      const takeOut = page.getByRole('button', { name: 'Take out' });
      await page.locator('.editor-picture .box', { hasText: 'charge-card' }).click();
      await page.waitForFunction((button) => !button.disabled, await takeOut.elementHandle());
      await text.fill('# one\n# two\n' + begun.replace(/^saga:/m, 'sga:'));
      await page.getByText('This text cannot be read: the picture is').waitFor();
      assert.deepEqual(await accessibility(page), []);
      await page.locator('.editor-picture .box', { hasText: 'check-fraud' }).click();
      assert.ok(await takeOut.isDisabled());
      assert.ok(await page.getByRole('button', { name: 'Add behind it' }).isDisabled());
      await text.fill('# one\n# two\n' + begun); // the block that was meant is found again
      await page.getByRole('group', { name: 'Block check-fraud' }).waitFor();
      await takeOut.click();
      assert.ok(!(await text.inputValue()).includes('- step: check-fraud'));
      assert.ok((await text.inputValue()).includes('- step: charge-card'));
    }));

  test('what has gone silent is not said to be live, and is connected to anew', () =>
    visitOther({}, '#/', async (page, other) => {
      const listened = () => other.asked.filter((line) => line.endsWith('/events')).length;
      await page.clock.install();
      await page.reload();
      await page.getByText('live', { exact: true }).waitFor();
      const before = listened();
      await page.clock.fastForward(30_000);
      assert.equal(listened(), before);
      await page.route('**/api/v1/events', (route) => route.abort());
      await page.clock.fastForward(20_000);
      await page.getByText('not live', { exact: true }).waitFor();
      await page.unroute('**/api/v1/events');
      await page.clock.fastForward(5_000);
      await page.getByText('live', { exact: true }).waitFor();
      assert.ok(listened() > before);
    }));

  test('what is refused says so', () =>
    visit('#/definitions/new', async (page) => {
      const text = page.getByRole('textbox', { name: /Text of the definition/ });
      const whole = await text.inputValue();
      await text.fill(whole.replace('my-saga', 'order-fulfilment'));
      await page.getByRole('button', { name: 'Deploy order-fulfilment version 1' }).click();
      await page.getByRole('alert').getByText('deployed with another content').waitFor();
    }));
});

describe('operations', () => {
  test('what somebody said is there, and what became of it', () =>
    visitOther({}, '#/sagas/order-fulfilment/o-4715', async (page, other) => {
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByLabel(/Reason/).fill('the courier is ill');
      await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('link', { name: 'Operations' }).click();
      const row = page.getByRole('row', { name: /the courier is ill/ });
      await row.waitFor();
      assert.match(await row.textContent(), /ada.*pause.*order-fulfilment\/o-4715.*done/);
      other.change('o-4715', (order) => order.order('resume', 'he is well again'));
      await page.getByRole('row', { name: /he is well again/ }).waitFor();
    }));

  test('filters narrow it, and are in the address', () =>
    visit('#/operations', async (page) => {
      await page.getByText('Filters', { exact: true }).click();
      await page.getByLabel('Who').fill('grace');
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await page.waitForFunction(() => /who=grace/.test(location.hash));
      await page.waitForFunction(() =>
        [...document.querySelectorAll('tbody tr')].every((row) => /grace/.test(row.textContent)),
      );
      await page.getByLabel('Said').selectOption('deploy');
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await page.getByText('There is nothing like that.').waitFor();
      await page.getByRole('link', { name: 'Show all' }).click();
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 3);
    }));

  test('those of a version are asked for as the command line does', () =>
    visit('#/operations', async (page) => {
      await page.getByText('Filters', { exact: true }).click();
      await page.getByLabel('To a saga, or of a definition').fill('order-fulfilment@2');
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await page.waitForFunction(() => /version=2/.test(location.hash));
      await page.getByText('Filters: order-fulfilment@2').waitFor();
      await page.waitForFunction(() =>
        [...document.querySelectorAll('tbody tr')].every((row) => /deploy/.test(row.textContent)),
      );
    }));

  test('where who and from where stand, there is room for them', () =>
    visit('#/operations', async (page) => {
      await page.waitForSelector('.note.whole');
      const lines = await page.evaluate(() => {
        const long = 'a reason of many words '.repeat(40);
        document.querySelectorAll('[data-column=Reason]').forEach((cell) => cell.append(long));
        return [...document.querySelectorAll('.whole')].map((word) => {
          const range = document.createRange();
          range.selectNodeContents(word);
          return range.getClientRects().length;
        });
      });
      assert.deepEqual([...new Set(lines)], [1]);
    }));

  test('while Redis is away nothing is said to be live', () =>
    visit('#/operations', async (page) => {
      const places = '**/api/v1/operations*';
      await page.getByText('live', { exact: true }).waitFor();
      await page.route(places, (route) =>
        route.fulfill({
          status: 503,
          contentType: 'application/problem+json',
          body: JSON.stringify({ type: 'urn:saga:problem:redis', title: 'Redis', status: 503 }),
        }),
      );
      await page.getByText('not live', { exact: true }).waitFor();
      await page.unroute(places);
      await page.getByText('live', { exact: true }).waitFor();
    }));

  test('a log that does not go back to the beginning says so', () =>
    visit('#/operations', async (page) => {
      await page.getByText(/is not in the log of every lane/).waitFor();
    }));
});

describe('dead letters', () => {
  test('one is sent again, and the list says so', () =>
    visit('#/dead-letters', async (page) => {
      await page.getByRole('link', { name: '1/41' }).click();
      await page.getByRole('button', { name: 'Send again' }).click();
      await page.getByLabel(/Reason/).fill('the saga is there now');
      await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
      await page.getByText('resent by ada').waitFor();
      await page.goto(server.address + '#/dead-letters?handled=false');
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
    }));
});

describe('who looks', () => {
  test('a token is asked for, kept for the tab alone, and forgotten', async () => {
    const guarded = await mock({ token: 'open sesame' });
    const { page, context, trouble } = await open(browser, guarded.address + '#/sagas');
    try {
      await page.getByLabel('Token').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('is not good').waitFor();
      assert.deepEqual(await accessibility(page), []);
      await page.getByLabel('Token').fill('open sesame');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 10);
      await page.getByText('live', { exact: true }).waitFor();
      const kept = await page.evaluate(() =>
        [JSON.stringify(localStorage), document.cookie, location.href].join(),
      );
      assert.ok(!kept.includes('sesame'));
      assert.ok(!guarded.asked.some((line) => line.includes('sesame')));
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
      assert.deepEqual(trouble, []);
    } finally {
      await context.close();
      await guarded.close();
    }
  });

  test('colours are as one says, also after a reload', () =>
    visit(
      '#/',
      async (page) => {
        const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const light = await ground();
        await page.getByLabel('Colours').selectOption('dark');
        const dark = await ground();
        assert.notEqual(light, dark);
        await page.reload();
        assert.equal(await ground(), dark);
      },
      { colorScheme: 'light' },
    ));
});
