// A what-if of the server that answers out of its memory: some lines of how far it is, then what it came to.
import { check, orders, Refused, time } from './mock-world.mjs';

/** @typedef {import('../src/api/types').WhatIf} WhatIf */
/** @typedef {import('../src/api/types').WhatIfLine} WhatIfLine */
/** @typedef {import('../src/api/types').WhatIfExample} WhatIfExample */

const LINES = 3;
const LINE_MS = 200;

/** @param {string} key @param {string} recorded @param {string} instead @param {object} [bodies]
 * @returns {WhatIfExample} */
function example(key, recorded, instead, bodies) {
  return {
    ...{ saga: `order-fulfilment/${key}`, run: '0badc0de0bad', lane: 3, offset: 1204, time },
    recorded: { words: recorded, body: bodies },
    instead: { words: instead, body: bodies && { ...bodies, currency: 'EUR' } },
  };
}

/** @param {string} text @param {string} name @param {number} version @param {string | null} since @returns {WhatIf} */
function resultOf(text, name, version, since) {
  const sagas = [...orders.values()].filter((order) => order.saga.definition === name).length;
  const same = { saga: name, version, file: 'definition.yaml', passed: true, sagas };
  const none = { unreadable: 0, firstUnreadable: [], lanesCut: 0, heldAtMost: 9, seconds: 0.4 };
  const events = sagas * 14;
  if (!text.includes('currency'))
    return {
      ...{ ...same, byClass: { same: sagas }, stillOpen: 2, events, eventsUnknown: 0 },
      ...{ records: events + 9, truncated: null, ...none, parted: [] },
    };
  const sent = 'ChargeCard to payments.commands';
  const body = { orderId: 'o-1000', amount: 59.9 };
  return {
    ...{ ...same, passed: false, stillOpen: 1, events, eventsUnknown: 700, records: events + 9 },
    byClass: { same: sagas - 132, 'other-commands': 130, stuck: 1, 'unhandled-event': 1 },
    truncated: since
      ? null
      : { lanes: [{ lane: 3, by: 'time', from: 0, to: 90_000, end: 123_456, time }] },
    ...none,
    parted: [
      {
        ...{
          class: 'other-commands',
          step: 'charge-card',
          what: 'sends another body of ChargeCard',
        },
        ...{
          sagas: 130,
          examples: ['o-1000', 'o-1001', 'o-1002'].map((k) => example(k, sent, sent, body)),
        },
      },
      {
        ...{ class: 'stuck', step: 'hand-over', what: 'on an expression', sagas: 1 },
        examples: [example('o-4711', 'completed', 'the body of hand-over is no JSON')],
      },
      {
        ...{
          class: 'unhandled-event',
          step: 'book-courier',
          what: 'NoVan: no such reply',
          sagas: 1,
        },
        examples: [example('a/b c%20', 'NoVan is taken', 'the step does not know it')],
      },
    ],
  };
}

/** @param {import('node:http').ServerResponse} response @param {URLSearchParams} query @param {string} yaml */
export function answerWhatIf(response, query, yaml) {
  const { name, version, findings } = check(yaml);
  if (!name || !version || findings.length)
    throw new Refused(422, 'The definition has errors', undefined, { findings });
  if (yaml.includes('busy'))
    throw new Refused(429, 'Too many requests', 'this process is looking at a what-if already', {
      mend: 'ask again when it has ended',
    });
  response.writeHead(200, { 'Content-Type': 'application/jsonl' });
  const tell = (/** @type {WhatIfLine} */ line) => response.write(JSON.stringify(line) + '\n');
  // fractions with all their digits, as the coordinator writes them
  const tellProgress = (/** @type {NonNullable<WhatIfLine['progress']>} */ progress) =>
    response.write(
      JSON.stringify({ progress }, (_, value) =>
        Number.isInteger(value) || typeof value !== 'number' ? value : `#${value.toPrecision(17)}#`,
      ).replace(/"#|#"/g, '') + '\n',
    );
  const endless = yaml.includes('endless'); // for whoever stops it
  let told = 0;
  const go = () => {
    told++;
    const part = Math.min(told, LINES);
    tellProgress({
      part: part / (LINES + 1),
      records: part * 700,
      sagas: part * 40,
      seconds: told / 5,
    });
    if (endless || told < LINES) return;
    clearInterval(timer);
    tell({ result: resultOf(yaml, name, version, query.get('since')) });
    response.end();
  };
  const timer = setInterval(go, LINE_MS);
  response.on('close', () => clearInterval(timer));
}
