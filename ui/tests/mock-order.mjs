// An order of the server that answers out of its memory: what is answered moves it on, as a
// coordinator would, and so does what an operator says.
import { readFileSync } from 'node:fs';

/** @typedef {import('../src/api/types').Saga} Saga */
/** @typedef {import('../src/api/types').HistoryRecord} HistoryRecord */
/** @typedef {import('../src/api/types').Graph} Graph */
/** @typedef {import('../src/api/types').SagaStatus} SagaStatus */
/** @typedef {import('../src/api/types').Mark} Mark */

/** @param {string} name @returns {Graph} */
export const graphOf = (name) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.graph.json`, import.meta.url), 'utf8'));

/* The way of an order: its steps, with the number of each one's block. */
export const way = [
  {
    path: 'reserve-stock',
    type: 'ReserveStock',
    success: 'StockReserved',
    compensation: 'ReleaseStock',
    topic: 'inventory',
  },
  {
    path: 'check-fraud',
    type: 'CheckFraud',
    success: 'FraudCleared',
    compensation: undefined,
    topic: 'payments',
  },
  {
    path: 'charge-card',
    type: 'ChargeCard',
    success: 'CardCharged',
    compensation: 'RefundCard',
    topic: 'payments',
  },
  {
    path: 'book-courier',
    type: 'BookCourier',
    success: 'CourierBooked',
    compensation: 'CancelCourier',
    topic: 'shipping',
  },
  {
    path: 'hand-over',
    type: 'HandOver',
    success: 'HandedOver',
    compensation: undefined,
    topic: 'shipping',
  },
  {
    path: 'send-receipt',
    type: 'SendReceipt',
    success: 'ReceiptSent',
    compensation: undefined,
    topic: 'payments',
  },
];

export class Order {
  /** @param {string} key @param {number} begun @param {unknown} input
   * @param {(id: string) => void} tell called when it moves on by itself */
  constructor(key, begun, input, tell) {
    this.tell = tell;
    this.id = 'order-fulfilment/' + key;
    this.time = begun;
    /** @type {Saga} */
    this.saga = {
      id: this.id,
      run: `0-${key}`,
      key,
      definition: 'order-fulfilment',
      version: 1,
      sequence: 0,
      status: 'running',
      sha256: '5f2e'.padEnd(64, '0'),
      started: new Date(begun).toISOString(),
      changed: new Date(begun).toISOString(),
      steps: [],
      timers: [],
      at: '',
      search: { customer: 'c-17' },
      input,
    };
    /** @type {HistoryRecord[]} */
    this.records = [];
    this.record(
      0,
      { kind: 'start', type: 'OrderPlaced', body: input },
      'OrderPlaced came',
      ['SagaStarted'],
      ['order-fulfilment version 1 began'],
    );
    this.send(0);
  }

  /** @param {number} later @param {HistoryRecord['cause']} cause @param {string} words @param {(string | object)[]} facts @param {string[]} says */
  record(later, cause, words, facts, says) {
    this.time += later;
    const time = new Date(this.time).toISOString();
    this.saga.changed = time;
    this.saga.sequence++;
    this.records.push({
      lane: 3,
      offset: 1000 + this.records.length,
      sequence: this.saga.sequence,
      time,
      cause,
      words,
      says,
      gapMs: this.records.length ? later : undefined,
      position: `journal[3]@${1000 + this.records.length}`,
      facts: /** @type {{ fact: string }[]} */ (
        facts.map((fact) => (typeof fact === 'string' ? { fact } : fact))
      ),
    });
  }

  /** @param {object} fact @param {string} says */
  add(fact, says) {
    const last = /** @type {HistoryRecord} */ (this.records.at(-1));
    last.facts.push(/** @type {{ fact: string }} */ (fact));
    last.says.push(says);
  }

  /** @param {number} i */
  send(i) {
    const step = way[i];
    if (!step) return this.end('completed');
    this.saga.steps.push({
      path: step.path,
      block: i,
      status: 'sent',
      attempt: 1,
      topic: step.topic + '.commands',
      type: step.type,
      pivot: i === 4 || undefined,
      body: { orderId: this.saga.key, amount: 59.9 },
      compensationType: step.compensation,
    });
    this.saga.at = step.path;
    this.saga.timers = [
      { name: `step:${step.path}`, due: new Date(this.time + 30_000).toISOString() },
    ];
    this.add(
      { fact: 'StepSent', step: step.path, attempt: 1, type: step.type },
      `${step.type} sent to ${step.topic}.commands for ${step.path}`,
    );
  }

  /** @param {string} type */
  answered(type, later = 400) {
    const step = /** @type {import('../src/api/types').Step} */ (this.saga.steps.at(-1));
    const planned = way[step.block];
    const done = type === planned?.success;
    this.record(
      later,
      {
        kind: 'reply',
        type,
        step: step.path,
        topic: planned?.topic + '.replies',
        partition: 3,
        offset: 7,
      },
      `${type} came for ${step.path} (attempt 1)`,
      [],
      [],
    );
    step.status = done ? 'succeeded' : 'failed';
    if (done) step.result = { id: step.path + '-1' };
    else step.errorType = type;
    this.add(
      { fact: done ? 'StepSucceeded' : 'StepFailed', step: step.path, attempt: 1 },
      `${step.path} ${step.status}`,
    );
    if (step.path === 'hand-over' && done) this.saga.pivoted = true;
    if (done) return this.send(step.block + 1);
    this.saga.error = { step: step.path, type };
    this.saga.trouble = `${step.path}: ${type}`;
    this.saga.status = 'compensating';
    this.add({ fact: 'CompensationStarted' }, 'compensation began');
    this.back();
  }

  back() {
    const step = this.saga.steps.findLast(
      (s) => s.compensationType && s.status === 'succeeded' && !s.compensation,
    );
    if (!step) return this.end('compensated');
    step.compensation = 'sent';
    this.saga.at = 'taking back ' + step.path;
    this.add(
      { fact: 'CompensationSent', step: step.path, attempt: 1, type: step.compensationType },
      `${step.compensationType} sent for ${step.path}`,
    );
  }

  backDone(later = 300) {
    const step = /** @type {import('../src/api/types').Step} */ (
      this.saga.steps.find((s) => s.compensation === 'sent')
    );
    this.record(
      later,
      { kind: 'reply', type: 'Undone', step: step.path },
      `Undone came for taking back ${step.path}`,
      [],
      [],
    );
    step.compensation = 'done';
    this.add({ fact: 'CompensationSucceeded', step: step.path }, `${step.path} is taken back`);
    this.back();
  }

  stick(later = 60_000) {
    const step = /** @type {import('../src/api/types').Step} */ (
      this.saga.steps.find((s) => s.compensation === 'sent')
    );
    this.record(
      later,
      { kind: 'timer', timer: 'compensate' },
      `the time for taking back ${step.path} is over`,
      [],
      [],
    );
    step.compensation = 'exhausted';
    this.add(
      { fact: 'CompensationExhausted', step: step.path, attempt: 5 },
      `taking back ${step.path} was tried 5 times`,
    );
    this.add({ fact: 'SagaStuck', stuckOn: 'compensation' }, 'the saga is stuck');
    Object.assign(this.saga, {
      status: 'stuck',
      stuckOn: 'compensation',
      stuckStep: step.path,
      stuckMessage: 'no answer after 5 attempts',
      trouble: `taking back ${step.path}: no answer after 5 attempts`,
      mend: 'saga retry, saga skip, or saga resolve --as ...; each with --reason',
      at: 'taking back ' + step.path,
      timers: [],
    });
  }

  /** @param {SagaStatus} status */
  end(status) {
    this.saga.status = status;
    this.saga.at = '';
    this.saga.timers = [];
    this.saga.ended = this.saga.changed;
    this.add(
      { fact: status === 'completed' ? 'SagaCompleted' : 'SagaCompensated' },
      `the saga has ${status}`,
    );
  }

  /** @returns {NonNullable<Saga['verbs']>} */
  get verbs() {
    const { status, paused, pivoted } = this.saga;
    const stuck = status === 'stuck';
    const open = stuck || status === 'running' || status === 'compensating';
    const ifs = /** @type {const} */ ([
      ['retry', stuck, 'it is not stuck'],
      ['skip', stuck, 'it is not stuck'],
      ['resolve', stuck, 'it is not stuck'],
      ['pause', open && !paused, 'it is paused, or has ended'],
      ['resume', !!paused, 'it is not paused'],
      [
        'cancel',
        status === 'running' && !pivoted,
        pivoted ? 'it is behind its pivot' : 'it compensates, or has ended',
      ],
    ]);
    return ifs.map(([verb, allowed, reason]) =>
      allowed ? { verb, allowed } : { verb, allowed, reason },
    );
  }

  /** @param {string} verb @param {string} reason @param {string} [as] @returns {import('../src/api/types').Ordered} */
  order(verb, reason, as) {
    const known = this.verbs.find((v) => v.verb === verb);
    const said = /** @type {import('../src/api/types').Verb} */ (verb);
    this.record(
      1000,
      { kind: 'operator', verb, as, who: 'ada', from: 'http', reason },
      `ada said ${verb}: ${reason}`,
      [],
      [],
    );
    if (!known?.allowed) {
      this.add({ fact: 'OperatorRefused' }, `refused: ${known?.reason}`);
      return {
        saga: this.id,
        verb: said,
        outcome: 'refused',
        facts: [{ fact: 'OperatorRefused' }],
        says: [`refused: ${known?.reason}`],
      };
    }
    if (verb === 'pause') this.saga.paused = true;
    if (verb === 'resume') this.saga.paused = undefined;
    if (verb === 'cancel') this.answered('Cancelled', 1);
    if (verb === 'retry' || verb === 'skip') {
      const step = /** @type {import('../src/api/types').Step} */ (
        this.saga.steps.find((s) => s.compensation === 'exhausted')
      );
      step.compensation = verb === 'retry' ? 'sent' : 'skipped';
      this.saga.status = 'compensating';
      this.saga.mend = undefined;
      this.saga.trouble = `${this.saga.error?.step}: ${this.saga.error?.type}`;
      this.add(
        {
          fact: verb === 'retry' ? 'CompensationSent' : 'CompensationSkipped',
          step: step.path,
          attempt: 6,
          type: step.compensationType,
        },
        `${step.path}: ${step.compensation}`,
      );
      if (verb === 'skip') this.back();
      else
        setTimeout(() => {
          this.backDone();
          this.tell(this.id);
        }, 800);
    }
    if (verb === 'resolve') {
      this.saga.resolved = true;
      this.end(/** @type {SagaStatus} */ (as));
    }
    return {
      saga: this.id,
      verb: said,
      outcome: 'done',
      facts: [],
      says: this.records.at(-1)?.says,
    };
  }

  /** @returns {Graph} */
  get graph() {
    const graph = graphOf('order-fulfilment');
    /** @type {Record<string, Mark>} */
    const forward = { sent: 'open', succeeded: 'done', failed: 'failed', unknown: 'unknown' };
    /** @type {Record<string, Mark>} */
    const backward = { sent: 'open', done: 'done', skipped: 'done', exhausted: 'failed' };
    for (const node of graph.nodes) {
      const step =
        node.block === null ? undefined : this.saga.steps.find((s) => s.block === node.block);
      const mark =
        node.shape === 'compensation'
          ? backward[step?.compensation ?? '']
          : forward[step?.status ?? ''];
      if (node.block !== null) node.mark = mark ?? 'waiting';
    }
    return graph;
  }
}
