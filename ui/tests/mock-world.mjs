// What there is in the memory of the server of mock.mjs, and what it says of it.
import { readFileSync } from 'node:fs';
import { graphOf, Order, way } from './mock-order.mjs';

/** @typedef {import('../src/api/types').Saga} Saga */
/** @typedef {import('../src/api/types').Graph} Graph */
/** @typedef {import('../src/api/types').SagaStatus} SagaStatus */

/** @param {string} name */
const sourceOf = (name) =>
  readFileSync(new URL(`../../sagas/${name}.yaml`, import.meta.url), 'utf8');

/* ---- what there is ---- */

/** @type {Map<string, Order>} */
export const orders = new Map();
/** Whom changes are told, and of which saga alone (null: of all).
 * @type {Map<import('node:http').ServerResponse, string | null>} */
export const listeners = new Map();

/** @param {string} id */
export function tell(id) {
  const order = orders.get(id);
  if (!order) return;
  const { definition, status, sequence, changed } = order.saga;
  /** @type {import('../src/api/types').SagaEvent} */
  const event = { saga: id, definition, status, changed };
  for (const [listener, saga] of listeners)
    if (saga === id)
      listener.write(`event: saga\ndata: ${JSON.stringify({ ...event, sequence })}\n\n`);
    else if (!saga)
      listener.write(
        `event: saga\ndata: ${JSON.stringify(event)}\n\nevent: lanes\ndata: {"lanes":[3]}\n\n`,
      );
}

/** @param {string} key @param {number} age */
export function begin(key, age) {
  const text = `{"orderId":"${key}","customerId":"c-17","total":59.90,"card":9007199254740993,"note":"<script>document.title='owned'</script>"}`;
  const order = new Order(key, Date.now() - age, JSON.parse(text), tell);
  orders.set(order.id, order);
  return order;
}

export function fill() {
  for (let i = 0; i < 130; i++) {
    const order = begin(`o-${1000 + i}`, 3_600_000 - i * 20_000);
    for (const step of way) order.answered(step.success);
  }
  const back = begin('o-4711', 240_000);
  for (const type of ['StockReserved', 'FraudCleared', 'CardCharged', 'NoCourier'])
    back.answered(type);
  const undone = begin('o-4712', 220_000);
  for (const type of ['StockReserved', 'FraudCleared', 'CardDeclined']) undone.answered(type);
  undone.backDone();
  for (const key of ['o-4713', 'o-4714 <b>&amp;']) {
    const stuck = begin(key, 200_000);
    for (const type of ['StockReserved', 'FraudCleared', 'CardCharged', 'NoCourier'])
      stuck.answered(type);
    stuck.stick();
  }
  const open = begin('o-4715', 3_000);
  for (const type of ['StockReserved', 'FraudCleared']) open.answered(type);
  begin('a/b c%20', 2_000);
}

export const time = new Date(Date.now() - 86_400_000).toISOString();
const second = sourceOf('order-fulfilment')
  .replace('version: 1', 'version: 2')
  .replace('deadline: 30m', 'deadline: 45m')
  .replace('failure: NoCourier', 'failure: [NoCourier, NoVan]');
/** @type {import('../src/api/types').Definition[]} */
export const definitions = [
  {
    name: 'order-fulfilment',
    version: 1,
    sha256: '5f2e'.padEnd(64, '0'),
    deployed: time,
    offset: 1,
    summary: 'Take an order from placement to shipment, or take it all back.',
    source: sourceOf('order-fulfilment'),
    versions: [],
    graph: graphOf('order-fulfilment'),
    search: ['customer'],
    participants: [
      { name: 'inventory', commands: 'inventory.commands', replies: 'inventory.replies' },
    ],
  },
  {
    name: 'order-fulfilment',
    version: 2,
    sha256: '6f2e'.padEnd(64, '0'),
    deployed: time,
    offset: 3,
    summary: 'Take an order from placement to shipment, or take it all back.',
    source: second,
    versions: [],
    graph: graphOf('order-fulfilment'),
    search: ['customer'],
  },
  {
    name: 'trip-booking',
    version: 1,
    sha256: '7f2e'.padEnd(64, '0'),
    deployed: time,
    offset: 2,
    summary: 'Book flight, rooms and insurance of a trip.',
    source: sourceOf('trip-booking'),
    versions: [],
    graph: graphOf('trip-booking'),
  },
];
export const versionsOf = (/** @type {string} */ name) =>
  definitions.filter((d) => d.name === name).map((d) => d.version);
export const letters = ['not-json', 'no-such-saga', 'too-large'].map((reason, i) => ({
  partition: i,
  offset: 40 + i,
  time,
  reason,
  message: `it is ${reason}`,
  saga: i === 1 ? 'order-fulfilment/o-1' : null,
  sourceTopic: 'payments.replies',
  sourcePartition: '3',
  sourceOffset: String(17 + i),
  size: 12 + i * 2000,
  handled: /** @type {import('../src/api/types').Letter['handled']} */ (null),
}));

/* ---- answers ---- */

export class Refused extends Error {
  /** @param {number} status @param {string} title @param {string} [detail] @param {object} [more] */
  constructor(status, title, detail, more) {
    super(title);
    this.body = { type: 'urn:saga:problem:mock', title, status, detail, ...more };
  }
}

/** @param {Order} order @param {URLSearchParams} query @returns {Saga} */
export function sagaJson(order, query) {
  const bodies = query.get('bodies') === 'true';
  const verbs = query.get('verbs') === 'true' ? order.verbs : undefined;
  const { input, ...rest } = order.saga;
  const steps = bodies
    ? rest.steps
    : rest.steps.map((step) => ({ ...step, body: undefined, result: undefined }));
  return { ...rest, steps, verbs, ...(bodies ? { input } : {}) };
}

/** What a row tells: what a stuck saga hangs on, else its last error.
 * @param {import('../src/api/types').Saga} s */
function errorOf(s) {
  if (s.status === 'stuck') {
    return { step: s.stuckStep ?? '', type: s.stuckOn ?? '', message: s.stuckMessage ?? '' };
  }
  const { error } = s;
  return error
    ? { step: error.step ?? '', type: error.type ?? '', message: error.message ?? '' }
    : null;
}

/** @param {URLSearchParams} query @returns {import('../src/api/types').SagaPage} */
export function list(query) {
  const has = (/** @type {string} */ name, /** @type {(value: string) => boolean} */ test) =>
    !query.get(name) || test(/** @type {string} */ (query.get(name)));
  const found = [...orders.values()]
    .map((o) => o.saga)
    .filter(
      (s) =>
        has('definition', (v) => s.definition === v) &&
        has('status', (v) => s.status === v) &&
        has('version', (v) => String(s.version) === v) &&
        has('step', (v) => s.at.includes(v)) &&
        has('error', (v) =>
          `${s.trouble} ${s.error?.type}`.toLowerCase().includes(v.toLowerCase()),
        ) &&
        has('search', (v) =>
          Object.entries(s.search ?? {}).some(([name, value]) => `${name}:${value}` === v),
        ),
    );
  found.sort((a, b) => b.changed.localeCompare(a.changed));
  const from = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? 100);
  const items = found.slice(from, from + limit).map((s) => ({
    id: s.id,
    definition: s.definition,
    key: s.key,
    version: s.version,
    status: s.status,
    paused: !!s.paused,
    at: s.at,
    started: s.started,
    changed: s.changed,
    error: errorOf(s),
  }));
  return { items, next: from + limit < found.length ? String(from + limit) : null };
}

/** @returns {import('../src/api/types').Counts} */
export function counts() {
  /** @type {Map<SagaStatus, number>} */
  const by = new Map();
  for (const { saga } of orders.values()) by.set(saga.status, (by.get(saga.status) ?? 0) + 1);
  return {
    items: [...by].map(([status, count]) => ({ definition: 'order-fulfilment', status, count })),
  };
}

/** Of every step a few durations; made, as the orders here have none.
 * @param {string} name @param {number} version @returns {import('../src/api/types').Figures} */
export function figures(name, version) {
  const mine = [...orders.values()]
    .map((order) => order.saga)
    .filter((saga) => saga.definition === name && saga.version === version);
  if (!mine.length) return { counts: {}, steps: [], durations: [] };
  const ended = (/** @type {string} */ outcome) => mine.filter((s) => s.status === outcome).length;
  const took = (
    /** @type {string | null} */ step,
    /** @type {string} */ outcome,
    /** @type {number} */ count,
    /** @type {number} */ ms,
  ) => ({
    ...{ step, outcome, count, p50Ms: ms, p90Ms: ms * 4, p99Ms: ms * 9 },
    buckets: [
      { fromMs: ms - 5, toMs: ms, count: count - Math.floor(count / 10) },
      { fromMs: ms * 8, toMs: ms * 9, count: Math.floor(count / 10) },
    ].filter((bucket) => bucket.count > 0),
  });
  /** @type {Map<SagaStatus, number>} */
  const by = new Map();
  for (const { status } of mine) by.set(status, (by.get(status) ?? 0) + 1);
  return {
    counts: Object.fromEntries(by),
    steps: [
      { step: 'reserve-stock', status: 'running', count: 1 },
      { step: 'charge-card', status: 'running', count: 1204 },
      { step: 'charge-card', status: 'stuck', count: 2 },
    ],
    durations: [
      took(null, 'completed', ended('completed'), 2300),
      took(null, 'compensated', ended('compensated'), 7100),
      took('reserve-stock', 'succeeded', 136, 40),
      took('check-fraud', 'succeeded', 135, 310),
      took('charge-card', 'succeeded', 133, 1200),
      took('charge-card', 'failed', 9, 700),
      took('charge-card', 'unknown', 1, 60_000),
      took('book-courier', 'succeeded', 130, 95),
      took('book-courier', 'failed', 3, 80),
      took('hand-over', 'succeeded', 130, 450),
    ].filter((d) => d.count > 0),
  };
}

let events = 0;
/** @returns {import('../src/api/types').Topology} */
export function topology() {
  events += 300 + Math.round(Math.random() * 200);
  return {
    instance: 'mock-1',
    version: '0.1.0',
    lanes: [...Array(8).keys()].map((lane) => ({
      lane,
      standing: lane === 5 ? 'silent' : 'confirmed',
      owner: `mock-${1 + (lane % 2)}/worker ${lane % 4}`,
      heartbeat: new Date(Date.now() - (lane === 5 ? 30_000 : 700)).toISOString(),
      applied: events,
      journalEnd: events,
      behind: lane === 5 ? 2400 : 0,
      inboxLag: 0,
    })),
    counters: {
      started: events / 4,
      ended: events / 5,
      events,
      batches: events / 20,
      commands: events / 2,
      deadLetters: 3,
    },
  };
}

/** Only the steps of the outermost list: what is written is drawn in its order.
 * @param {string[]} lines @returns {Graph} */
function chainOf(lines) {
  const steps = lines.flatMap((line, i) =>
    /^ {2}- step: (\S+)/.test(line) ? [{ name: line.slice(10), line: i + 1 }] : [],
  );
  const end = (/** @type {string} */ id) => ({
    id,
    shape: /** @type {const} */ ('end'),
    text: id,
    block: null,
    line: null,
  });
  const ids = ['start', ...steps.map((_, i) => `s${i}`), 'completed'];
  return {
    nodes: [
      { id: 'start', shape: 'start', text: 'OrderPlaced', block: null, line: null },
      ...steps.map(({ name, line }, i) => ({
        id: `s${i}`,
        shape: /** @type {const} */ ('step'),
        text: name,
        block: i,
        name,
        line,
      })),
      end('completed'),
    ],
    edges: ids.slice(1).map((to, i) => ({ from: String(ids[i]), to, text: '', dashed: false })),
  };
}

/** @param {string} yaml @returns {import('../src/api/types').Checked} */
export function check(yaml) {
  const lines = yaml.split('\n');
  const bad = lines.findIndex((line) => /timout:/.test(line));
  const name = /^saga: *(\S+)/m.exec(yaml)?.[1];
  const version = Number(/^version: *(\d+)/m.exec(yaml)?.[1]);
  if (!name)
    return {
      findings: [
        {
          severity: 'error',
          code: 'SG101',
          file: null,
          line: 1,
          column: 1,
          width: 4,
          what: 'there is no `saga`',
          mend: 'begin with `saga: name`',
        },
      ],
    };
  /** @type {import('../src/api/types').Finding[]} */
  const findings =
    bad < 0
      ? []
      : [
          {
            severity: 'error',
            code: 'SG102',
            file: null,
            line: bad + 1,
            column: (lines[bad]?.indexOf('timout') ?? 0) + 1,
            width: 6,
            what: '`timout` is no field of a step',
            why: 'a field that nobody knows does nothing',
            mend: 'did you mean `timeout`?',
          },
        ];
  return { name, version, findings, graph: chainOf(lines) };
}

/** @param {string} yaml */
export function deploy(yaml) {
  const { name, version, findings } = check(yaml);
  if (!name || !version || findings.length)
    throw new Refused(422, 'The definition has errors', undefined, { findings });
  const known = definitions.find((d) => d.name === name && d.version === version);
  if (known && known.source !== yaml)
    throw new Refused(
      409,
      'Refused',
      `${name} version ${version} is deployed with another content`,
      { mend: 'give it the next version' },
    );
  if (!known)
    definitions.push({
      ...definitions[0],
      name,
      version,
      summary: '',
      sha256: '8f2e'.padEnd(64, '0'),
      deployed: new Date().toISOString(),
      offset: 9,
      source: yaml,
      versions: [],
    });
  return {
    name,
    version,
    sha256: '8f2e'.padEnd(64, '0'),
    outcome: known ? 'unchanged' : 'deployed',
    findings: [],
  };
}
