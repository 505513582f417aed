// "What would it have done?", as people ask it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessibility, picture } from './browser.mjs';
import { looks, visit, visitOther } from './visiting.mjs';

const asked = async (page, text) => {
  const area = page.getByRole('textbox', { name: /Text of the definition/ });
  await area.fill(`${await area.inputValue()}\n# ${text}\n`);
  await page.getByRole('button', { name: 'Look' }).click();
};

for (const [look, options] of Object.entries(looks))
  test(`what a text would have done is told beside deploying it, ${look}`, () =>
    visit(
      '#/definitions/order-fulfilment/edit',
      async (page) => {
        await asked(page, 'currency');
        await page
          .getByRole('heading', {
            name: '4 of 136 sagas would have gone the same way, 132 would not.',
          })
          .waitFor();
        const row = (text) => page.locator('.what-if-result tr', { hasText: text });
        await row(/^130\s*send other commands$/).waitFor();
        await row(/^1\s*get stuck$/).waitFor();
        const charge = row('sends another body of ChargeCard');
        assert.deepEqual(
          await charge
            .locator('a')
            .evaluateAll((links) => links.map((a) => a.getAttribute('href'))),
          [1000, 1001, 1002].map((n) => `#/sagas/order-fulfilment/o-${n}`),
        );
        await charge.locator('summary', { hasText: 'instead, of order-fulfilment/o-1000' }).click();
        await page
          .getByRole('region', { name: 'body, instead, of order-fulfilment/o-1000' })
          .getByText('"currency": "EUR"')
          .waitFor();
        await page.getByText('700 recorded events behind there are not judged').waitFor();
        await picture(page, `${look}-what-if-result`);
        assert.deepEqual(await accessibility(page), []);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `it is ${over} px wider than the screen`);
        const text = page.getByRole('textbox', { name: /Text of the definition/ });
        await text.fill((await text.inputValue()) + '\n# more\n');
        await page.getByText('That was the text as it stood then.').waitFor();
        await page.locator('.deploy button:enabled', { hasText: 'Deploy' }).waitFor();
      },
      options,
    ));

test('a version against what is recorded, and how far it was looked', () =>
  visit('#/definitions/order-fulfilment?tab=what-if', async (page) => {
    await page.getByLabel(/^Which sagas/).selectOption({ label: 'of all that is recorded' });
    await page.getByRole('button', { name: 'Look' }).click();
    await page
      .getByRole('heading', { name: 'All 136 sagas would have gone the same way.' })
      .waitFor();
    await page.getByText('2 have not ended yet').waitFor();
  }));

test('what was not looked at is said', () =>
  visit('#/definitions/order-fulfilment/edit', async (page) => {
    await page.getByLabel(/^Which sagas/).selectOption({ label: 'of all that is recorded' });
    await asked(page, 'currency');
    await page
      .getByText(/^lane 3: before offset 90,000 of 123,456, .* UTC \(enough time\)$/)
      .waitFor();
    assert.deepEqual(await accessibility(page), []);
  }));

test('it is stopped, and what is refused says so', () =>
  visit('#/definitions/order-fulfilment/edit', async (page) => {
    await asked(page, 'endless');
    await page.getByRole('progressbar', { name: 'Part of the journal looked at' }).waitFor();
    await page.getByText('2,100 records, 120 sagas so far').waitFor();
    await page.getByRole('button', { name: 'Stop it' }).click();
    await page.getByRole('button', { name: 'Look' }).waitFor();
    assert.equal(await page.getByRole('progressbar').count(), 0);
    assert.equal(await page.getByRole('alert').count(), 0);
    await asked(page, 'busy');
    await page.getByRole('alert').getByText('is looking at a what-if already').waitFor();
  }));

test('it is not offered to who may not', () =>
  visitOther({ roles: ['viewer'] }, '#/definitions/order-fulfilment?tab=what-if', async (page) => {
    await page.getByText('That takes the role operator.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Look' }).count(), 0);
  }));
