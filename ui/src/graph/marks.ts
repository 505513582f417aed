// What the marks of a saga mean, in words and signs.
import type { Graph, Mark } from '../api/types';

export const markWords: Record<Mark, string> = {
  waiting: 'not begun',
  done: 'done',
  failed: 'failed',
  unknown: 'outcome unknown',
  open: 'open',
};
export const backWords: Record<Mark, string> = {
  waiting: 'not begun',
  done: 'taken back',
  failed: 'taking back failed',
  unknown: 'outcome unknown',
  open: 'being taken back',
};
export const signs: Record<Mark, string> = {
  waiting: '',
  done: '✓',
  failed: '✕',
  unknown: '?',
  open: '…',
};

// Of a saga, by node; undefined where none is looked at.
export function marksOf(graph: Graph): Record<string, Mark> | undefined {
  const marked = graph.nodes.filter((node) => node.mark);
  return marked.length
    ? Object.fromEntries(marked.map((node) => [node.id, node.mark!]))
    : undefined;
}
