// What operators did, of the server that answers out of its memory.
import { answerJobs } from './mock-jobs.mjs';
import { definitions, letters, orders, time } from './mock-world.mjs';

/** @typedef {import('../src/api/types').Operation} Operation */
/** @typedef {import('../src/api/types').Job} Job */

/** @returns {Operation[]} */
function ofSagas() {
  return [...orders.values()].flatMap((order) =>
    order.records
      .filter((record) => record.cause.kind === 'operator')
      .map((record) => {
        const refused = record.facts.some((fact) => fact.fact === 'OperatorRefused');
        const { who = '', from, reason, verb } = record.cause;
        return /** @type {Operation} */ ({
          ...{ time: record.time, who, from, on: 'saga', verb, reason, saga: order.id },
          ...{ outcome: refused ? 'refused' : 'done', definition: 'order-fulfilment', version: 1 },
          words: refused ? 'the saga is not stuck: it goes on by itself' : undefined,
        });
      }),
  );
}

/** @returns {Operation[]} */
function ofJobs() {
  const { items } = /** @type {{ items: Job[] }} */ (
    answerJobs('GET', undefined, new URLSearchParams(), '')
  );
  return items.flatMap(({ id, verb, where, reason, who, status, sent, created, stoppedBy }) => {
    /** @type {Operation} */
    const asked = {
      ...{ time: created, who, from: '10.0.0.7', on: 'job', verb, reason },
      ...{ outcome: status, job: id, where, sent },
    };
    /** @type {Operation} */
    const stopped = {
      time: created,
      who: stoppedBy ?? '',
      on: 'job',
      verb: 'stop',
      outcome: 'done',
    };
    return stoppedBy ? [{ ...stopped, job: id, where, sent }, asked] : [asked];
  });
}

/** @returns {Operation[]} */
function ofOthers() {
  const deploys = definitions.map(({ name, version, deployed }) => {
    /** @type {Operation} */
    const deploy = {
      time: deployed,
      who: 'ada',
      on: 'definition',
      verb: 'deploy',
      outcome: 'done',
    };
    return { ...deploy, definition: name, version };
  });
  const handled = letters.flatMap(({ partition, offset, handled: done }) => {
    /** @type {Operation} */
    const note = {
      time: done?.time ?? time,
      who: done?.who ?? '',
      on: 'dead letter',
      verb: 'drop',
      outcome: 'done',
    };
    if (done?.how === 'resent') note.verb = 'resend';
    return done ? [{ ...note, reason: done.reason, partition, offset }] : [];
  });
  return [...deploys, ...handled];
}

/** @param {URLSearchParams} query @returns {import('../src/api/types').OperationPage} */
export function operations(query) {
  const is = (/** @type {string} */ name, /** @type {string | undefined} */ value) =>
    !query.get(name) || query.get(name) === value;
  const items = [...ofSagas(), ...ofJobs(), ...ofOthers()]
    .filter(
      (item) =>
        is('who', item.who) &&
        is('verb', item.verb) &&
        is('saga', item.saga) &&
        is('job', item.job) &&
        is('definition', item.definition) &&
        is('version', item.version?.toString()),
    )
    .sort((a, b) => b.time.localeCompare(a.time));
  return { items, next: null, whole: false, since: time };
}
