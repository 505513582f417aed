// From box to box by the arrow keys: a picture is one stop of the Tab key, however many boxes it has.
import { useState } from 'preact/hooks';
import type { Box } from './layout';

const ways: Record<string, [number, number]> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};
const ASIDE = 3; // so many times as far is what lies aside

// The nearest one that way; undefined: there is none.
export function nearest(from: Box, boxes: Box[], key: string): Box | undefined {
  const [right, down] = ways[key] ?? [0, 0];
  let best: Box | undefined;
  let least = Infinity;
  for (const box of boxes) {
    const [x, y] = [box.x - from.x, box.y - from.y];
    const along = x * right + y * down;
    const far = along + ASIDE * Math.abs(right ? y : x);
    if (along < 1 || far >= least) continue;
    best = box;
    least = far;
  }
  return best;
}

// `stops`: the boxes that can be chosen. Gives back which of them Tab leads to.
export function useWalking(
  stops: Box[],
  selected: string | undefined,
): { stop: string | undefined; walk: (event: KeyboardEvent) => void } {
  const [last, setLast] = useState<string>();
  const known = (id: string | undefined) => stops.find((box) => box.node.id === id);
  const walk = (event: KeyboardEvent) => {
    const at = (event.target as Element).closest<SVGGElement>('[data-node]');
    const from = known(at?.dataset.node);
    const to = from && nearest(from, stops, event.key);
    if (!to) return;
    event.preventDefault();
    setLast(to.node.id);
    at?.parentElement
      ?.querySelector<SVGGElement>(`[data-node="${CSS.escape(to.node.id)}"]`)
      ?.focus();
  };
  return { stop: (known(last) ?? known(selected) ?? stops[0])?.node.id, walk };
}
