import { useRef, useState } from 'preact/hooks';
import type { Graph, GraphNode } from '../api/types';

const DRAG_PX = 8; // less is a click

// A box drawn onto another by mouse or pen; a finger scrolls. Whoever has none of these moves
// blocks by the buttons.
export function useDragging(
  graph: Graph,
  onDrop: ((from: GraphNode, to: GraphNode) => void) | undefined,
): { over: string | undefined; grab: (event: PointerEvent, node: GraphNode) => void } {
  const [over, setOver] = useState<string>();
  const now = useRef({ graph, onDrop });
  now.current = { graph, onDrop };
  const grab = (event: PointerEvent, from: GraphNode) => {
    if (event.button !== 0 || event.pointerType === 'touch') return;
    const [x, y] = [event.clientX, event.clientY];
    let goal: string | undefined;
    const move = (e: PointerEvent) => {
      if (goal === undefined && Math.hypot(e.clientX - x, e.clientY - y) < DRAG_PX) return;
      const id = document
        .elementFromPoint(e.clientX, e.clientY)
        ?.closest<SVGGElement>('[data-node]')?.dataset.node;
      const box = now.current.graph.nodes.find((node) => node.id === id);
      goal =
        box && box.id !== from.id && box.block !== null && box.shape !== 'compensation'
          ? box.id
          : '';
      setOver(goal);
    };
    const end = () => {
      stop();
      const to = now.current.graph.nodes.find((node) => node.id === goal);
      if (to) now.current.onDrop?.(from, to);
    };
    const stop = () => {
      setOver(undefined);
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', end);
      removeEventListener('pointercancel', stop);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', end);
    addEventListener('pointercancel', stop);
  };
  return { over, grab };
}
