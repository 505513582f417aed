// Jobs of the server that answers out of its memory: a few sagas a look, so that one is seen to go on.
import { list, orders, Refused, tell } from './mock-world.mjs';

/** @typedef {import('../src/api/types').Job} Job */
/** @typedef {import('../src/api/types').JobVerb} JobVerb */

/** @type {Map<string, { job: Job, left: string[] }>} */
const jobs = new Map();

export function forgetJobs() {
  jobs.clear();
  const created = new Date(Date.now() - 7_200_000).toISOString();
  const job = /** @type {Job} */ ({
    ...{ id: '3f9a0c1d2e4b', verb: 'retry', where: 'status=stuck error~timeout' },
    ...{ reason: 'the bank is back', who: 'ada', rate: 100, status: 'stopped', sent: 412 },
    ...{ selected: 1000, passedOver: 3, stopping: true, stoppedBy: 'grace' },
    ...{ created, began: created, ended: created },
  });
  jobs.set(job.id, { job, left: [] });
}

/** Only `status=` and `key~`, as the tests need no more. @param {string} where */
function meant(where) {
  const query = new URLSearchParams({ limit: '1000' });
  let key = '';
  for (const [word] of where.matchAll(/\S+/g)) {
    const at = where.indexOf(word);
    if (word.startsWith('status=')) query.set('status', word.slice(7));
    else if (word.startsWith('key~')) key = word.slice(4);
    else
      throw new Refused(400, 'Bad filter', `"${word}" is no word of a filter`, {
        ...{ mend: 'words are status, key ...', column: at + 1, width: word.length },
      });
  }
  return list(query).items.filter((row) => row.key.includes(key));
}

/** @param {Job} job @param {string} id */
function mend(job, id) {
  orders.get(id)?.order(job.verb, job.reason, undefined);
  tell(id);
}

/** A look at it moves it on. @param {{ job: Job, left: string[] }} entry */
function looked({ job, left }) {
  if (job.stopping && !job.ended)
    Object.assign(job, { status: 'stopped', ended: new Date().toISOString() });
  if (['done', 'stopped'].includes(job.status)) return job;
  const portion = left.splice(0, 1);
  portion.forEach((id) => mend(job, id));
  job.sent += portion.length;
  job.status = left.length ? 'running' : 'done';
  if (!left.length) job.ended = new Date().toISOString();
  return { ...job };
}

/** @param {string} method @param {string | undefined} id @param {URLSearchParams} query @param {string} body */
export function answerJobs(method, id, query, body) {
  if (method === 'POST') {
    const order = /** @type {import('../src/api/schema').components['schemas']['JobOrder']} */ (
      JSON.parse(body)
    );
    const items = meant(order.where);
    if (query.get('dryRun') === 'true')
      return {
        ...{ verb: order.verb, where: order.where, count: items.length, more: false },
        items: items.slice(0, 20),
      };
    const now = new Date().toISOString();
    const job = /** @type {Job} */ ({
      ...{ id: order.id ?? 'made', verb: order.verb, where: order.where, reason: order.reason },
      ...{ who: 'ada', rate: order.rate ?? 100, status: 'running', sent: 0, stopping: false },
      ...{ expected: items.length, selected: items.length, created: now, began: now },
    });
    jobs.set(job.id, { job, left: items.map((row) => row.id) });
    return job;
  }
  if (id === undefined) return { items: [...jobs.values()].map(({ job }) => job).reverse() };
  const entry = jobs.get(id);
  if (!entry) throw new Refused(404, 'There is no such job');
  if (method === 'DELETE') Object.assign(entry.job, { stopping: true, stoppedBy: 'ada' });
  return method === 'DELETE' ? entry.job : looked(entry);
}
