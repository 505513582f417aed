// Blocks moved, added and taken out in a definition's text. The text stays what it is: whole lines
// move, with the comments above and inside them, and nothing else is written anew. Where a block
// begins says the server's graph; where it ends, the indentation, as in any list that YAML writes
// one item a line. What is written in one line (`[...]`) is left to the text.

interface Item {
  begin: number; // index of its first line; comments above it are its own
  dash: number; // index of the line with its dash
  end: number; // index behind its last line that is not empty
  indent: number;
}

const indentOf = (line: string) => line.length - line.trimStart().length;
const isBlank = (line: string | undefined) => line !== undefined && line.trim() === '';
const isComment = (line: string | undefined) =>
  line !== undefined && line.trimStart().startsWith('#');
const beginsItem = (line: string | undefined) => line !== undefined && /^ *- +\S/.test(line);

function itemAt(lines: string[], line: number): Item | undefined {
  const dash = line - 1;
  const first = lines[dash];
  if (!beginsItem(first)) return undefined;
  const indent = indentOf(first!);
  let end = dash + 1;
  for (let i = end; i < lines.length; i++) {
    if (isBlank(lines[i])) continue;
    if (indentOf(lines[i]!) <= indent) break;
    end = i + 1;
  }
  let begin = dash;
  while (isComment(lines[begin - 1]) && indentOf(lines[begin - 1]!) === indent) begin--;
  return { begin, dash, end, indent };
}

// The items of the list that this one is in, from the first to the last.
function siblingsOf(lines: string[], item: Item): Item[] {
  const before: Item[] = [];
  for (let i = item.dash - 1; i >= 0; i--) {
    if (isBlank(lines[i]) || isComment(lines[i])) continue;
    const indent = indentOf(lines[i]!);
    if (indent < item.indent || (indent === item.indent && !beginsItem(lines[i]))) break;
    if (indent === item.indent) before.unshift(itemAt(lines, i + 1)!);
  }
  const after: Item[] = [];
  for (let i = item.end; i < lines.length; i++) {
    if (isBlank(lines[i]) || isComment(lines[i])) continue;
    const next = indentOf(lines[i]!) === item.indent ? itemAt(lines, i + 1) : undefined;
    if (!next) break;
    after.push(next);
    i = next.end - 1;
  }
  return [...before, item, ...after];
}

// Is a line left free between the items of this list?
function isSpaced(lines: string[], siblings: Item[]): boolean {
  return siblings.some((item, i) => i > 0 && isBlank(lines[item.begin - 1]));
}

function indented(chunk: string[], from: number, to: number): string[] {
  return chunk.map((line) =>
    isBlank(line) ? '' : ' '.repeat(Math.max(0, indentOf(line) + to - from)) + line.trimStart(),
  );
}

function without(lines: string[], item: Item, last: boolean): string[] {
  let { begin, end } = item;
  if (last) while (isBlank(lines[begin - 1])) begin--;
  else while (isBlank(lines[end])) end++;
  return [...lines.slice(0, begin), ...lines.slice(end)];
}

// Can this block be moved and taken out? Not the only one of its list: a list of none is another
// thing to write.
export function canTakeOut(text: string, line: number): boolean {
  const lines = text.split('\n');
  const item = itemAt(lines, line);
  return item !== undefined && siblingsOf(lines, item).length > 1;
}

export function canEdit(text: string, line: number): boolean {
  return itemAt(text.split('\n'), line) !== undefined;
}

export interface Edited {
  text: string;
  line: number; // where the block stands now
}

export function takeOut(text: string, line: number): Edited | undefined {
  const lines = text.split('\n');
  const item = itemAt(lines, line);
  if (!item) return undefined;
  const siblings = siblingsOf(lines, item);
  if (siblings.length < 2) return undefined;
  const left = without(lines, item, siblings.at(-1) === item);
  return { text: left.join('\n'), line: Math.min(item.dash + 1, left.length) };
}

// Up (-1) or down (1) in its list.
export function moveBy(text: string, line: number, by: -1 | 1): Edited | undefined {
  const lines = text.split('\n');
  const item = itemAt(lines, line);
  if (!item) return undefined;
  const siblings = siblingsOf(lines, item);
  const at = siblings.indexOf(item);
  const other = siblings[at + by];
  if (!other) return undefined;
  const [a, b] = by < 0 ? [other, item] : [item, other];
  const first = lines.slice(a.begin, a.end);
  const between = lines.slice(a.end, b.begin);
  const second = lines.slice(b.begin, b.end);
  const moved = [
    ...lines.slice(0, a.begin),
    ...second,
    ...between,
    ...first,
    ...lines.slice(b.end),
  ];
  const begin = by < 0 ? a.begin : a.begin + second.length + between.length;
  return { text: moved.join('\n'), line: begin + (item.dash - item.begin) + 1 };
}

// Behind another block, whichever list that is in.
export function moveBehind(text: string, line: number, target: number): Edited | undefined {
  const lines = text.split('\n');
  const item = itemAt(lines, line);
  const goal = itemAt(lines, target);
  if (!item || !goal || (goal.dash >= item.begin && goal.dash < item.end)) return undefined;
  const out = takeOut(text, line);
  if (!out) return undefined;
  const chunk = lines.slice(item.begin, item.end);
  // what was taken out above the goal moves it up
  const shift = goal.dash > item.dash ? lines.length - out.text.split('\n').length : 0;
  const put = putBehind(out.text, target - shift, indented(chunk, item.indent, goal.indent));
  return put && { text: put.text, line: put.line + (item.dash - item.begin) };
}

function putBehind(text: string, target: number, chunk: string[]): Edited | undefined {
  const lines = text.split('\n');
  const goal = itemAt(lines, target);
  if (!goal) return undefined;
  const gap = isSpaced(lines, siblingsOf(lines, goal)) ? [''] : [];
  const put = [...lines.slice(0, goal.end), ...gap, ...chunk, ...lines.slice(goal.end)];
  return { text: put.join('\n'), line: goal.end + gap.length + 1 };
}

/* ---- new blocks ---- */

export const kinds = {
  step: 'a step',
  pivot: 'a pivot',
  await: 'an awaited event',
  choose: 'a choice',
  parallel: 'branches side by side',
  'for-each': 'a loop over a list',
  repeat: 'a loop until',
  wait: 'a wait',
  'wait-until': 'a wait until a time',
  saga: 'a child saga',
  set: 'values',
  publish: 'an event',
  fail: 'an end that compensates',
} as const;
export type Kind = keyof typeof kinds;

// A name that no block has yet.
function freeName(text: string, base: string): string {
  const used = new Set(
    [...text.matchAll(/^\s*- +(?:step|await|saga): *["']?([\w-]+)/gm)].map((m) => m[1]),
  );
  for (let i = 1; ; i++) {
    const name = i === 1 ? base : `${base}-${i}`;
    if (!used.has(name)) return name;
  }
}

// The participant that is named first, so that what is added fits what is there.
function participantOf(text: string): string {
  return (
    /^participants:\s*\n(?:\s*(?:#.*)?\n)*\s+["']?([\w-]+)["']?:/m.exec(text)?.[1] ?? 'service'
  );
}

function stepOf(text: string, base: string, more: string[] = []): string[] {
  return [
    `- step: ${freeName(text, base)}`,
    ...more,
    `  send: ${participantOf(text)}/DoIt`,
    "  body: '{id: .saga.key}'",
    '  success: Done',
    '  failure: Refused',
  ];
}

const compensation = (text: string) => [
  '  compensate:',
  `    send: ${participantOf(text)}/UndoIt`,
  "    body: '{id: .saga.key}'",
];
const within = (by: number, chunk: string[]) => chunk.map((line) => ' '.repeat(by) + line);

function skeletonOf(text: string, kind: Kind): string[] {
  const step = (base: string) => [...stepOf(text, base), ...compensation(text)];
  switch (kind) {
    case 'step':
      return step('new-step');
    case 'pivot':
      return stepOf(text, 'new-pivot', ['  pivot: true']);
    case 'await':
      return [
        `- await: ${freeName(text, 'new-event')}`,
        '  topic: some.events',
        '  event: SomethingHappened',
        '  match: .id',
        '  with: .saga.key',
        '  timeout: 1d',
        '  on-timeout: compensate',
      ];
    case 'choose':
      return [
        '- choose:',
        '    - when: .input.something == true',
        '      steps:',
        ...within(8, step('when-so')),
        '    - else: []',
      ];
    case 'parallel':
      return [
        '- parallel:',
        '    one:',
        ...within(6, step('on-one-side')),
        '    other:',
        ...within(6, step('on-the-other')),
      ];
    case 'for-each':
      return [
        '- for-each: { item: item, in: .input.items }',
        '  steps:',
        ...within(4, step('for-one')),
      ];
    case 'repeat':
      return [
        '- repeat: { until: .index >= 2, at-most: 3 }',
        '  steps:',
        ...within(4, step('once-more')),
      ];
    case 'wait':
      return ['- wait: 1h'];
    case 'wait-until':
      return ['- wait-until: .input.until'];
    case 'saga':
      return ['- saga: another-saga', "  input: '{id: .saga.key}'"];
    case 'set':
      return ['- set: { something: .saga.key }'];
    case 'publish':
      return ['- publish: some.events/SomethingHappened', "  body: '{id: .saga.key}'"];
    case 'fail':
      return ['- fail: { type: NotPossible, message: why it is not }'];
  }
}

export function addBehind(text: string, line: number, kind: Kind): Edited | undefined {
  const goal = itemAt(text.split('\n'), line);
  return goal && putBehind(text, line, within(goal.indent, skeletonOf(text, kind)));
}

// Where the branches of a choice, or those side by side, begin; undefined: the block has none, or they are written in
// one line.
function firstBranch(lines: string[], item: Item): number | undefined {
  if (!/^- +(choose|parallel): *(#.*)?$/.test(lines[item.dash]!.trimStart())) return undefined;
  for (let i = item.dash + 1; i < item.end; i++)
    if (!isBlank(lines[i]) && !isComment(lines[i])) return i;
  return undefined;
}

export function canBranch(text: string, line: number): boolean {
  const lines = text.split('\n');
  const item = itemAt(lines, line);
  return item !== undefined && firstBranch(lines, item) !== undefined;
}

// One more way: of a choice before its `else`, else behind those that there are.
export function addBranch(text: string, line: number): Edited | undefined {
  const lines = text.split('\n');
  const item = itemAt(lines, line);
  const first = item && firstBranch(lines, item);
  if (!item || first === undefined) return undefined;
  const put = (at: number, chunk: string[]) => ({
    text: [...lines.slice(0, at), ...chunk, ...lines.slice(at)].join('\n'),
    line: at + 1,
  });
  const indent = indentOf(lines[first]!);
  const step = (base: string) => [...stepOf(text, base), ...compensation(text)];
  if (!beginsItem(lines[first]))
    return put(
      item.end,
      within(indent, [`${freeBranch(lines, item)}:`, ...within(2, step('on-another-side'))]),
    );
  const ways = siblingsOf(lines, itemAt(lines, first + 1)!);
  const last = ways.find((way) => /^- +else:/.test(lines[way.dash]!.trimStart()));
  return put(
    last?.begin ?? item.end,
    within(indent, [
      '- when: .input.somethingElse == true',
      '  steps:',
      ...within(4, step('when-else')),
    ]),
  );
}

function freeBranch(lines: string[], item: Item): string {
  const used = new Set(lines.slice(item.dash, item.end).map((line) => line.trim().split(':')[0]));
  for (let i = 1; ; i++) {
    const name = i === 1 ? 'another' : `another-${i}`;
    if (!used.has(name)) return name;
  }
}

/* ---- into a text field ---- */

// The smallest part that differs, so that a field's own undo takes back just that.
export function changeOf(
  before: string,
  after: string,
): { begin: number; end: number; text: string } {
  let begin = 0;
  while (begin < before.length && begin < after.length && before[begin] === after[begin]) begin++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - begin;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return { begin, end: before.length - tail, text: after.slice(begin, after.length - tail) };
}
