// What a file of tests begins with: a browser, and a server that answers out of its memory.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { launch, open } from './browser.mjs';
import { mock } from './mock.mjs';

/** @type {import('playwright-core').Browser} */
export let browser;
/** @type {Awaited<ReturnType<typeof mock>>} */
export let server;
before(async () => {
  browser = await launch();
  server = await mock();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Opens a page, runs `story` in it, and asks that nothing went wrong on the way. */
export async function visit(place, story, options) {
  const { page, context, trouble } = await open(browser, server.address + place, options);
  try {
    await story(page);
    assert.deepEqual(trouble, []);
  } finally {
    await context.close();
  }
}

/** The same on a server of its own, as it begins. */
export async function visitOther(options, place, story) {
  const other = await mock(options);
  const { page, context, trouble } = await open(browser, other.address + place);
  try {
    await story(page, other);
    assert.deepEqual(trouble, []);
  } finally {
    await context.close();
    await other.close();
  }
}

export const looks = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 375, height: 740 } },
};
