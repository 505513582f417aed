// The parts that need no browser: blocks in a text, versions compared, steps along time, the
// picture's places.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

let vite;
let edit;
let diff;
let timeline;
let layout;
let format;
let router;
let figures;
let where;
let live;
before(async () => {
  vite = await createServer({
    root: fileURLToPath(new URL('..', import.meta.url)),
    logLevel: 'error',
    server: { middlewareMode: true, watch: null, ws: false },
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
  });
  const load = (path) => vite.ssrLoadModule('/src/' + path);
  edit = await load('edit.ts');
  diff = await load('line-diff.ts');
  timeline = await load('timeline.ts');
  layout = await load('graph/layout.ts');
  format = await load('format.ts');
  router = await load('router.ts');
  figures = await load('figures.ts');
  where = await load('where.ts');
  live = await load('api/live.ts');
});
after(() => vite?.close());

const text = `saga: a
participants:
  # the bank
  bank: { commands: bank.commands, replies: bank.replies }
steps:
  # first of all
  - step: one
    send: bank/One # in a hurry
    body: |
      {
        a: 1
      }

  - parallel:
      left:
        - step: two
          success: Two
        - wait: 1h
      right:
        - step: three

  # why there is a last one
  - step: last
    send: bank/Last

on-completed: { publish: a.b/C }
`;
const lineOf = (whole, words) => whole.split('\n').findIndex((line) => line.includes(words)) + 1;
const at = (edited) => edited.text.split('\n')[edited.line - 1];
const sorted = (whole) =>
  whole
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => line.trim())
    .sort();

describe('blocks', () => {
  test('move up and down with their comments, and back is as it was', () => {
    const up = edit.moveBy(text, lineOf(text, 'step: last'), -1);
    assert.ok(up.text.indexOf('why there is a last one') < up.text.indexOf('- parallel'));
    assert.match(at(up), /step: last/);
    assert.deepEqual(sorted(up.text), sorted(text));
    const back = edit.moveBy(up.text, up.line, 1);
    assert.equal(back.text, text);
  });

  test('the first and the last have nowhere to go', () => {
    assert.equal(edit.moveBy(text, lineOf(text, 'step: one'), -1), undefined);
    assert.equal(edit.moveBy(text, lineOf(text, 'step: last'), 1), undefined);
    assert.equal(edit.moveBy(text, lineOf(text, 'step: three'), 1), undefined);
  });

  test('are taken out with what belongs to them, and the rest stays', () => {
    const out = edit.takeOut(text, lineOf(text, 'step: one'));
    assert.ok(!out.text.includes('first of all') && !out.text.includes('a: 1'));
    assert.equal(out.text, text.replace(/ {2}# first of all[^]*?\n\n/, ''));
    const last = edit.takeOut(text, lineOf(text, 'step: last'));
    assert.match(last.text, /- step: three\n\non-completed/);
    assert.equal(edit.takeOut(text, lineOf(text, 'step: three')), undefined);
  });

  test('move behind another, deeper or less deep, up or down', () => {
    const deeper = edit.moveBehind(text, lineOf(text, 'step: one'), lineOf(text, 'wait: 1h'));
    assert.match(at(deeper), /^ {8}- step: one$/);
    assert.match(
      deeper.text,
      /- wait: 1h\n {8}# first of all\n {8}- step: one\n {10}send: bank\/One # in a hurry\n {10}body: \|\n {12}\{\n {14}a: 1\n {12}\}\n {6}right:/,
    );
    const out = edit.moveBehind(text, lineOf(text, 'step: two'), lineOf(text, 'step: one'));
    assert.match(at(out), /^ {2}- step: two$/);
    assert.match(out.text, /\n\n {2}- step: two\n {4}success: Two\n\n {2}- parallel/);
    assert.match(out.text, /left:\n {8}- wait: 1h/);
    const behind = edit.moveBehind(text, lineOf(text, 'step: one'), lineOf(text, 'step: last'));
    assert.match(at(behind), /step: one/);
    assert.ok(behind.text.indexOf('step: last') < behind.text.indexOf('step: one'));
    assert.match(behind.text, /\n\non-completed/);
  });

  test('do not move into themselves, and not out of a list of one', () => {
    assert.equal(
      edit.moveBehind(text, lineOf(text, '- parallel'), lineOf(text, 'step: two')),
      undefined,
    );
    assert.equal(
      edit.moveBehind(text, lineOf(text, 'step: three'), lineOf(text, 'step: one')),
      undefined,
    );
    assert.equal(edit.canEdit('steps: [{ step: a }]', 1), false);
  });

  test('lists that are indented as little as their field', () => {
    const flat = 'steps:\n- step: a\n  send: x/A\n- step: b\nend: 1\n';
    assert.equal(
      edit.moveBy(flat, 2, 1).text,
      'steps:\n- step: b\n- step: a\n  send: x/A\nend: 1\n',
    );
    assert.equal(edit.takeOut(flat, 4).text, 'steps:\n- step: a\n  send: x/A\nend: 1\n');
  });

  test('are added behind one, under a free name, with the participant that there is', () => {
    const once = edit.addBehind(text, lineOf(text, 'step: one'), 'step');
    assert.match(at(once), /^ {2}- step: new-step$/);
    assert.match(once.text, /send: bank\/DoIt/);
    const twice = edit.addBehind(once.text, lineOf(once.text, 'step: two'), 'step');
    assert.match(at(twice), /^ {8}- step: new-step-2$/);
    for (const kind of Object.keys(edit.kinds))
      assert.match(at(edit.addBehind(text, lineOf(text, 'wait: 1h'), kind)), /^ {8}- \w/);
  });

  test('a choice and what goes side by side get one branch more, before `else`', () => {
    const lineOf = (of, words) => of.split('\n').findIndex((line) => line.includes(words)) + 1;
    const begun = edit.addBehind(text, lineOf(text, '- step:'), 'choose').text;
    const choice = edit.addBranch(begun, lineOf(begun, '- choose:'));
    const ways = choice.text.split('\n').filter((line) => /^ +- (when|else):/.test(line));
    assert.deepEqual(
      ways.map((line) => line.trim().slice(2, 6)),
      ['when', 'when', 'else'],
    );
    assert.equal(new Set(ways.map((line) => line.search(/\S/))).size, 1);
    assert.match(choice.text.split('\n')[choice.line - 1], /- when: \.input\.somethingElse/);
    const sides = edit.addBehind(text, lineOf(text, '- step:'), 'parallel').text;
    const more = edit.addBranch(sides, lineOf(sides, '- parallel:')).text;
    const twice = edit.addBranch(more, lineOf(more, '- parallel:')).text;
    const names = twice.split('\n').filter((line) => /^ +(one|other|another(-2)?):$/.test(line));
    assert.deepEqual(
      names.map((line) => line.trim()),
      ['one:', 'other:', 'another:', 'another-2:'],
    );
    assert.equal(new Set(names.map((line) => line.search(/\S/))).size, 1);
    assert.ok(!edit.canBranch(text, lineOf(text, '- step:')));
    assert.ok(!edit.canBranch('steps:\n  - parallel: { a: [], b: [] }\n', 2));
  });

  test('only what differs goes into the field', () => {
    for (const [a, b] of [
      ['abcdef', 'abXdef'],
      ['aaa', 'aa'],
      ['', 'x'],
      ['same', 'same'],
      ['abab', 'ab'],
    ]) {
      const change = edit.changeOf(a, b);
      assert.equal(a.slice(0, change.begin) + change.text + a.slice(change.end), b);
    }
    assert.deepEqual(edit.changeOf('abcdef', 'abXdef'), { begin: 2, end: 3, text: 'X' });
  });
});

describe('texts compared', () => {
  test('both sides are found again, and what is common stays', () => {
    const a = 'a\nb\nc\nd\ne';
    const b = 'a\nx\nc\ne\nf';
    const lines = diff.diffLines(a, b);
    assert.equal(
      lines
        .filter((l) => l.kind !== 'added')
        .map((l) => l.text)
        .join('\n'),
      a,
    );
    assert.equal(
      lines
        .filter((l) => l.kind !== 'removed')
        .map((l) => l.text)
        .join('\n'),
      b,
    );
    assert.deepEqual(
      lines.filter((l) => l.kind === 'same').map((l) => l.text),
      ['a', 'c', 'e'],
    );
    assert.deepEqual(lines.at(-1), { kind: 'added', text: 'f', after: 5 });
  });
});

describe('time', () => {
  const record = (seconds, ...facts) => ({ time: new Date(seconds * 1000).toISOString(), facts });
  test('a step that is tried again is one, a late answer changes how it came out', () => {
    const items = [
      record(1, { fact: 'StepSent', step: 'a', attempt: 1, type: 'DoA' }),
      record(5, { fact: 'StepRetryScheduled', step: 'a', attempt: 1 }),
      record(6, { fact: 'StepSent', step: 'a', attempt: 2, type: 'DoA' }),
      record(
        9,
        { fact: 'StepUnknown', step: 'a' },
        { fact: 'CompensationSent', step: 'a', attempt: 1, type: 'UndoA' },
      ),
      record(10, { fact: 'StepSucceeded', step: 'a' }),
    ];
    assert.deepEqual(timeline.spansOf({ items }), [
      {
        path: 'a',
        what: 'DoA',
        compensation: false,
        outcome: 'succeeded',
        attempts: 2,
        begin: 1000,
        end: 10_000,
      },
      {
        path: 'a',
        what: 'UndoA',
        compensation: true,
        outcome: 'open',
        attempts: 1,
        begin: 9000,
        end: undefined,
      },
    ]);
  });

  test('durations as definitions write them', () => {
    for (const [ms, words] of [
      [0, '0ms'],
      [850, '850ms'],
      [1200, '1.2s'],
      [61_000, '1m1s'],
      [3_600_000, '1h'],
      [90_061_000, '1d1h'],
      [-5000, '-5s'],
    ])
      assert.equal(format.duration(ms), words);
  });
});

describe('changes', () => {
  // Asks that are answered when the test says so.
  const asked = () => {
    const answers = [];
    const calm = live.calmed(() => new Promise((resolve) => answers.push(resolve)));
    const comeTo = async (count) => {
      while (answers.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    return { answers, calm, comeTo };
  };

  test('those that are told together are asked for once, those meanwhile once more', async () => {
    const { answers, calm, comeTo } = asked();
    calm.tell();
    calm.tell();
    await comeTo(1);
    for (let i = 0; i < 3; i++) calm.tell();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(answers.length, 1);
    answers[0]();
    await comeTo(2);
    answers[1]();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(answers.length, 2);
    calm.tell();
    await comeTo(3);
  });

  test('who has gone is told nothing more', async () => {
    const { answers, calm, comeTo } = asked();
    calm.tell();
    await comeTo(1);
    calm.tell();
    calm.stop();
    answers[0]();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(answers.length, 1);
  });
});

describe('ids', () => {
  test('that differ never look alike', () => {
    assert.equal(
      format.shown('order/a\u202eb\u0000c\u200bd'),
      'order/a\\u{202e}b\\u{0}c\\u{200b}d',
    );
    for (const id of ['order/مرحبا', 'order/日本語 🧾 é']) assert.equal(format.shown(id), id);
  });
});

describe('addresses', () => {
  test('any key comes back as it was', () => {
    for (const key of ['a/b', 'a%2Fb', '100%', 'ä ö?x=1&y#z', '..', '<b>']) {
      const { path } = router.parseRoute(router.sagaHref('order/' + key));
      assert.deepEqual(path, ['sagas', 'order', key]);
    }
    assert.deepEqual(router.parseRoute('#/sagas/100%/x').path, ['sagas', '100%', 'x']);
  });
});

describe('the picture', () => {
  for (const name of ['order-fulfilment', 'trip-booking'])
    test(`${name}: no box lies on another, and every arrow begins and ends at its boxes`, () => {
      const graph = JSON.parse(
        readFileSync(new URL(`fixtures/${name}.graph.json`, import.meta.url), 'utf8'),
      );
      const { boxes, arrows, width, height } = layout.layout(graph);
      assert.equal(boxes.length, graph.nodes.length);
      assert.equal(arrows.length, graph.edges.length);
      const side = (box) => ({
        left: box.x - box.width / 2,
        right: box.x + box.width / 2,
        top: box.y - box.height / 2,
        bottom: box.y + box.height / 2,
      });
      for (const a of boxes) {
        const s = side(a);
        assert.ok(s.left >= 0 && s.top >= 0 && s.right <= width && s.bottom <= height, a.node.id);
        for (const b of boxes) {
          const o = side(b);
          if (a !== b)
            assert.ok(
              s.right <= o.left || o.right <= s.left || s.bottom <= o.top || o.bottom <= s.top,
              `${a.node.id} on ${b.node.id}`,
            );
        }
      }
      const near = (point, box) => {
        const s = side(box);
        return (
          point.x > s.left - 2 &&
          point.x < s.right + 2 &&
          point.y > s.top - 2 &&
          point.y < s.bottom + 2
        );
      };
      for (const { edge, points } of arrows) {
        assert.ok(
          near(
            points[0],
            boxes.find((box) => box.node.id === edge.from),
          ),
          `${edge.from} to ${edge.to}`,
        );
        assert.ok(
          near(
            points.at(-1),
            boxes.find((box) => box.node.id === edge.to),
          ),
          `${edge.from} to ${edge.to}`,
        );
      }
    });
});

describe('counts and durations', () => {
  const took = (step, outcome, ...buckets) => ({
    ...{ step, outcome, count: buckets.reduce((sum, b) => sum + b[2], 0) },
    ...{ p50Ms: 0, p90Ms: 0, p99Ms: 0 },
    buckets: buckets.map(([fromMs, toMs, count]) => ({ fromMs, toMs, count })),
  });
  const seen = {
    counts: { running: 3, completed: 9 },
    steps: [
      { step: 'pay', status: 'running', count: 2 },
      { step: 'pay', status: 'stuck', count: 1 },
      { step: 'ship', status: 'compensating', count: 4 },
    ],
    durations: [
      took(null, 'completed', [0, 1000, 9]),
      took('pay', 'succeeded', [100, 100, 90]),
      took('pay', 'failed', [300, 300, 9]),
      took('pay', 'unknown', [1000, null, 1]),
      took('ship', 'succeeded', [100, 200, 100]),
    ],
  };

  test('are of all outcomes of a step together', () => {
    const steps = figures.stepFigures(seen);
    const pay = steps.get('pay');
    assert.deepEqual([pay.here, pay.stuck, pay.back, pay.answers], [3, 1, 0, 100]);
    assert.deepEqual([pay.p50, pay.p99], [100, 300]);
    assert.deepEqual([pay.failed, pay.unknown], [0.09, 0.01]);
    assert.equal(steps.get('ship').back, 4);
  });

  test('the time that all steps took is shared out', () => {
    const steps = figures.stepFigures(seen);
    const ms = [90 * 100 + 9 * 300 + 1000, 100 * 150];
    assert.equal(steps.get('pay').share, ms[0] / (ms[0] + ms[1]));
    assert.equal(steps.get('pay').share + steps.get('ship').share, 1);
  });

  test('where there is nothing, nothing is made up', () => {
    assert.equal(figures.stepFigures({ counts: {}, steps: [], durations: [] }).size, 0);
    assert.equal(figures.quantile([], 0.5), 0);
    assert.deepEqual(
      figures.ends(seen).map((d) => d.outcome),
      ['completed'],
    );
  });

  test('room for them in the picture does not depend on them', () => {
    const graph = {
      nodes: [
        { id: 's0', shape: 'step', text: 'a', block: 0, line: 1, name: 'a' },
        { id: 'completed', shape: 'end', text: 'completed', block: null, line: null },
      ],
      edges: [{ from: 's0', to: 'completed', text: '', dashed: false }],
    };
    const [plain, roomy] = [layout.layout(graph), layout.layout(graph, true)];
    assert.equal(roomy.boxes[0].height - plain.boxes[0].height, layout.FIGURES_HEIGHT);
    assert.equal(roomy.boxes[1].height, plain.boxes[1].height);
  });

  test('parts are never rounded to none or all', () => {
    const words = [0, 0.0001, 0.126, 0.9999, 1].map(format.percent);
    assert.deepEqual(words, ['0 %', '<1 %', '13 %', '>99 %', '100 %']);
  });
});

describe('the filters of the list as one filter', () => {
  test('word by word', () =>
    assert.equal(
      where.whereOf({
        ...{ definition: 'order', status: 'stuck', version: '2', step: 'pay', error: 'time out' },
        ...{ since: '2030-01-31T12:00:00.000Z', search: 'customer:c 1:"x\\' },
      }),
      'definition=order version=2 status=stuck step=pay error~"time out" ' +
        'changed>=2030-01-31T12:00:00.000Z search.customer="c 1:\\"x\\\\"',
    ));
  test('none is none', () => assert.equal(where.whereOf({}), ''));
});
