// A server that answers by the contract out of its memory, for the tests that need no coordinator. The types
// of its answers are the contract's (checked by tsc).
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  begin,
  check,
  counts,
  definitions,
  deploy,
  figures,
  fill,
  letters,
  list,
  listeners,
  orders,
  Refused,
  sagaJson,
  tell,
  time,
  topology,
  versionsOf,
} from './mock-world.mjs';

import { answerJobs, forgetJobs } from './mock-jobs.mjs';
import { operations } from './mock-operations.mjs';
import { answerWhatIf } from './mock-what-if.mjs';

/** @typedef {import('./mock-order.mjs').Order} Order */

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** @param {string} method @param {string[]} path @param {URLSearchParams} query @param {string} body @returns {unknown} */
function answer(method, path, query, body) {
  const [place, a, b, c] = path;
  const order = place === 'sagas' && b !== undefined ? orders.get(`${a}/${b}`) : undefined;
  if (place === 'jobs') return answerJobs(method, a, query, body);
  if (place === 'operations') return operations(query);
  if (place === 'topology') return topology();
  if (place === 'counts') return counts();
  if (place === 'sagas' && a === undefined && method === 'POST') {
    const started = begin(JSON.parse(body).key ?? JSON.parse(body).input.orderId, 0);
    setTimeout(() => {
      started.answered('StockReserved');
      tell(started.id);
    }, 600);
    return { saga: started.id, outcome: 'sent' };
  }
  if (place === 'sagas' && a === undefined) return list(query);
  if (place === 'sagas' && !order)
    throw new Refused(404, 'There is no such saga', `there is no saga "${a}/${b}"`);
  if (order && c === undefined) return sagaJson(order, query);
  if (order && c === 'graph') return order.graph;
  if (order && c === 'history') {
    const items = order.records.map((r) =>
      query.get('bodies') === 'true' ? r : { ...r, cause: { ...r.cause, body: undefined } },
    );
    return {
      saga: order.id,
      runs: [
        { run: order.saga.run, cut: 0, holes: 0, end: `${order.saga.status} after a while`, items },
      ],
      unreadable: 0,
      next: null,
    };
  }
  if (order && c && method === 'POST') {
    const { reason, as } = JSON.parse(body);
    const ordered = order.order(c, reason, as);
    tell(order.id);
    if (ordered.outcome === 'refused')
      throw new Refused(409, 'Refused', undefined, { order: ordered });
    return ordered;
  }
  if (place === 'definitions' && a === 'check') return check(body);
  if (place === 'definitions' && method === 'POST') return deploy(body);
  if (place === 'definitions' && a === undefined)
    return { items: definitions.map(({ source, graph, versions, ...row }) => row), next: null };
  if (place === 'definitions') {
    const version = b === undefined ? Math.max(...versionsOf(String(a))) : Number(b);
    const found = definitions.find((d) => d.name === a && d.version === version);
    if (!found)
      throw new Refused(
        404,
        'There is no such definition',
        `nothing is deployed as ${a} ${b ?? ''}`,
      );
    if (c === 'figures') return figures(found.name, found.version);
    if (c === 'changes')
      return {
        name: a,
        from: Number(query.get('from')),
        to: version,
        items: [
          {
            kind: 'changed',
            place: 'order-fulfilment',
            field: 'deadline',
            before: '30m',
            after: '45m',
          },
          {
            kind: 'changed',
            place: 'book-courier',
            field: 'failure',
            before: 'NoCourier',
            after: 'NoCourier, NoVan',
          },
        ],
      };
    return { ...found, versions: versionsOf(String(a)) };
  }
  if (place === 'dead-letters' && a === undefined)
    return {
      items: letters.filter(
        (l) => !query.get('handled') || String(l.handled !== null) === query.get('handled'),
      ),
      next: null,
    };
  const letter = letters.find((l) => String(l.partition) === a && String(l.offset) === b);
  if (letter && c) {
    letter.handled = {
      partition: letter.partition,
      offset: letter.offset,
      how: c === 'resend' ? 'resent' : 'dropped',
      who: 'ada',
      reason: JSON.parse(body).reason,
      time: new Date().toISOString(),
    };
    return letter.handled;
  }
  if (letter)
    return {
      partition: letter.partition,
      offset: letter.offset,
      time,
      key: 'o-1',
      handled: letter.handled,
      headers: [
        { name: 'saga_reason', value: letter.reason },
        { name: 'saga_source_topic', value: letter.sourceTopic },
        { name: 'saga_source_partition', value: '3' },
        { name: 'saga_source_offset', value: letter.sourceOffset },
      ],
      body: letter.partition === 2 ? { hex: '00ff10416263' } : '{"orderId": "o-1",',
    };
  throw new Refused(404, 'There is no such thing');
}

/* ---- serving ---- */

/** @param {{ port?: number, token?: string, roles?: import('../src/api/types').Role[] }} [options] */
export async function mock({ port = 0, token, roles = ['viewer', 'operator', 'deployer'] } = {}) {
  orders.clear();
  fill();
  forgetJobs();
  /** @type {string[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://mock');
    asked.push(`${request.method} ${url.pathname}`);
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (!url.pathname.startsWith('/api/v1/')) {
      try {
        const file = normalize(url.pathname === '/' ? '/index.html' : url.pathname);
        response.setHeader(
          'Content-Type',
          types[/** @type {keyof typeof types} */ (extname(file))] ?? 'application/octet-stream',
        );
        response.end(readFileSync(join(dist, file)));
      } catch {
        response.writeHead(404).end();
      }
      return;
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    try {
      if (token && request.headers.authorization !== 'Bearer ' + token)
        throw new Refused(401, 'A token is needed');
      if (url.pathname === '/api/v1/events') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write(': here\n\n');
        listeners.set(response, url.searchParams.get('saga'));
        response.on('close', () => listeners.delete(response));
        return;
      }
      if (url.pathname === '/api/v1/definitions/what-if') {
        answerWhatIf(response, url.searchParams, body);
        return;
      }
      const path = url.pathname.split('/').slice(3).map(decodeURIComponent);
      const me = { subject: 'ada', roles, authentication: 'token' };
      let text = JSON.stringify(
        path[0] === 'me' ? me : answer(request.method ?? 'GET', path, url.searchParams, body),
      );
      // numbers that JavaScript cannot hold
      text = text
        .replaceAll('"card":9007199254740992', '"card":9007199254740993')
        .replaceAll('"total":59.9,', '"total":59.90,');
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      response
        .writeHead(error.body.status, { 'Content-Type': 'application/problem+json' })
        .end(JSON.stringify(error.body));
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    address: `http://127.0.0.1:${address.port}/`,
    asked,
    /** @param {string} key @param {(order: Order) => void} change */
    change(key, change) {
      const order = /** @type {Order} */ (orders.get('order-fulfilment/' + key));
      order.time = Date.now();
      change(order);
      tell(order.id);
    },
    close() {
      for (const listener of listeners.keys()) listener.end();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { address } = await mock({ port: Number(process.argv[2] ?? 8099) });
  console.log('answers at ' + address);
}
