// Two texts, line by line: the longest common part stays, what is around it was taken out or put
// in.
export interface DiffLine {
  kind: 'same' | 'removed' | 'added';
  text: string;
  before?: number; // line numbers, from 1
  after?: number;
}

// So many cells of the table at most; texts that differ in more are shown as all taken out and all
// put in.
const CELLS_MAX = 4_000_000;

export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.replace(/\n$/, '').split('\n');
  const b = after.replace(/\n$/, '').split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail++;
  const lines: DiffLine[] = [];
  const same = (i: number, j: number) =>
    lines.push({ kind: 'same', text: a[i]!, before: i + 1, after: j + 1 });
  for (let i = 0; i < head; i++) same(i, i);
  lines.push(...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), head));
  for (let i = tail; i > 0; i--) same(a.length - i, b.length - i);
  return lines;
}

function middle(a: string[], b: string[], offset: number): DiffLine[] {
  const removed = (i: number): DiffLine => ({
    kind: 'removed',
    text: a[i]!,
    before: offset + i + 1,
  });
  const added = (j: number): DiffLine => ({ kind: 'added', text: b[j]!, after: offset + j + 1 });
  if (a.length * b.length > CELLS_MAX)
    return [...a.map((_, i) => removed(i)), ...b.map((_, j) => added(j))];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width); // of what is behind i and j
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i]!, before: offset + i + 1, after: offset + j + 1 });
      i++;
      j++;
    } else if (common[(i + 1) * width + j]! >= common[i * width + j + 1]!) lines.push(removed(i++));
    else lines.push(added(j++));
  }
  while (i < a.length) lines.push(removed(i++));
  while (j < b.length) lines.push(added(j++));
  return lines;
}
