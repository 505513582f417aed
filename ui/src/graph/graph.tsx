// A definition as a picture, with marks where a saga stands.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Figures, Graph, GraphNode, Mark } from '../api/types';
import { BoxView } from './box';
import { useDragging } from './dragging';
import { boxFigures } from './figures';
import {
  isMeasured,
  layout,
  linesOf,
  pathOf,
  WORDS_LINE,
  type Arrow,
  type Drawing,
} from './layout';
import { marksOf, signs } from './marks';
import { useWalking } from './walking';

interface Props {
  graph: Graph;
  title: string;
  ended?: string; // the end node at which the saga is
  selected?: string;
  onSelect?: (node: GraphNode) => void;
  onDrop?: (from: GraphNode, to: GraphNode) => void; // a block was drawn onto another
  measured?: boolean; // with counts and durations, also while they are asked for
  figures?: Figures;
  tools?: ComponentChildren;
}

export default function GraphView({
  graph,
  title,
  ended,
  selected,
  onSelect,
  onDrop,
  measured = false,
  figures,
  tools,
}: Props) {
  const shape = shapeOf(graph);
  const drawing = useMemo(() => layout(graph, measured), [shape, measured]);
  const figuresOf = boxFigures(measured ? figures : undefined);
  const marks = marksOf(graph);
  const [failures, setFailures] = useState(true);
  const [whole, setWhole] = useState(true);
  const [near, setNear] = useState<string>();
  const dragging = useDragging(graph, onDrop);
  const choices = drawing.boxes.filter(
    ({ node }) => onSelect && node.block !== null && marks?.[node.id] !== 'waiting',
  );
  const walking = useWalking(choices, selected);
  const shown = drawing.arrows.filter(
    (a) => failures || a.way === 'forward' || a.way === 'caught' || walked(a, marks, ended),
  );

  return (
    <figure class="graph">
      <div class="graph-tools">
        <label>
          <input
            type="checkbox"
            checked={failures}
            onChange={(e) => setFailures(e.currentTarget.checked)}
          />{' '}
          failures and the way back
        </label>
        <label>
          <input
            type="checkbox"
            checked={whole}
            onChange={(e) => setWhole(e.currentTarget.checked)}
          />{' '}
          fit to the width
        </label>
        {tools}
        {marks && <Legend />}
      </div>
      <Canvas drawing={drawing} whole={whole} title={title} onKey={walking.walk}>
        <defs>
          <Head id="head" />
          <Head id="head-back" />
          <Head id="head-walked" />
          <Head id="head-walked-back" />
        </defs>
        {shown.map((arrow, i) => (
          <ArrowView
            key={i}
            arrow={arrow}
            walked={walked(arrow, marks, ended)}
            lit={near !== undefined && (arrow.edge.from === near || arrow.edge.to === near)}
          />
        ))}
        {drawing.boxes.map((box) => (
          <BoxView
            key={box.node.id}
            box={box}
            mark={marks?.[box.node.id]}
            here={ended === box.node.id}
            figures={figuresOf?.(box.node)}
            room={measured && isMeasured(box.node)}
            selected={selected === box.node.id}
            over={dragging.over === box.node.id}
            onGrab={onDrop && dragging.grab}
            onNear={setNear}
            stop={walking.stop === box.node.id}
            onSelect={choices.includes(box) ? onSelect : undefined}
          />
        ))}
      </Canvas>
      <figcaption class="visually-hidden">
        <Told graph={graph} marks={marks} />
      </figcaption>
    </figure>
  );
}

// The same as long as a saga only moves on in it: the picture stays where it is.
function shapeOf(graph: Graph): string {
  return JSON.stringify([graph.nodes.map((n) => [n.id, n.shape, n.text]), graph.edges]);
}

function Canvas({
  drawing,
  whole,
  title,
  onKey,
  children,
}: {
  drawing: Drawing;
  whole: boolean;
  title: string;
  onKey: (event: KeyboardEvent) => void;
  children: preact.ComponentChildren;
}) {
  const scroll = useRef<HTMLDivElement>(null);
  // A picture that is too wide is not made smaller than it can be read: it is scrolled.
  const least = Math.min(drawing.width, Math.max(320, drawing.width * 0.55));
  useEffect(() => {
    const style = scroll.current?.querySelector('svg')?.style;
    if (style) style.minWidth = whole ? least + 'px' : drawing.width + 'px';
  }, [whole, least, drawing.width]);
  return (
    <div
      class="graph-scroll"
      ref={scroll}
      tabIndex={0}
      role="region"
      aria-label={title + ', picture'}
    >
      <svg
        viewBox={`0 0 ${Math.ceil(drawing.width)} ${Math.ceil(drawing.height)}`}
        width={Math.ceil(drawing.width)}
        height={Math.ceil(drawing.height)}
        class={whole ? 'fit' : ''}
        role="group"
        aria-label={title}
        onKeyDown={onKey}
      >
        {children}
      </svg>
    </div>
  );
}

function Head({ id }: { id: string }) {
  return (
    <marker
      id={id}
      viewBox="0 0 10 10"
      refX="9"
      refY="5"
      markerWidth="10"
      markerHeight="10"
      markerUnits="userSpaceOnUse"
      orient="auto-start-reverse"
      class={id}
    >
      <path d="M0 0 10 5 0 10z" />
    </marker>
  );
}

// Did the saga take this way? Both its ends have been reached, as far as marks tell.
function walked(
  arrow: Arrow,
  marks: Record<string, Mark> | undefined,
  ended: string | undefined,
): boolean {
  if (!marks) return false;
  const mark = (id: string): Mark =>
    id === 'start' || id === ended ? 'done' : (marks[id] ?? 'waiting');
  const { from, to } = arrow.edge;
  if (arrow.way === 'back')
    return to === 'stuck'
      ? ended === 'stuck' && mark(from) === 'failed'
      : mark(from) === 'done' && mark(to) !== 'waiting';
  if (arrow.way === 'failure')
    return to === 'stuck'
      ? ended === 'stuck' && ['unknown', 'failed'].includes(mark(from))
      : (arrow.edge.text === 'unknown' ? mark(from) === 'unknown' : mark(from) === 'failed') &&
          mark(to) !== 'waiting';
  if (arrow.way === 'caught') return mark(from) === 'failed' && mark(to) !== 'waiting';
  return mark(from) === 'done' && (mark(to) !== 'waiting' || to === ended);
}

function ArrowView({ arrow, walked, lit }: { arrow: Arrow; walked: boolean; lit: boolean }) {
  const { way, label } = arrow;
  const head = walked
    ? way === 'forward'
      ? 'head-walked'
      : 'head-walked-back'
    : way === 'forward'
      ? 'head'
      : 'head-back';
  return (
    <g
      class={`arrow ${way}${arrow.far ? ' far' : ''}${walked ? ' walked' : ''}${lit ? ' lit' : ''}`}
      aria-hidden="true"
    >
      <path d={pathOf(arrow.points)} marker-end={`url(#${head})`} />
      {arrow.words.map((words, i) => (
        <text
          key={i}
          x={label.x}
          y={label.y + i * WORDS_LINE}
          text-anchor={arrow.anchor}
          dominant-baseline="middle"
        >
          {words}
        </text>
      ))}
    </g>
  );
}

function Legend() {
  return (
    <span class="legend" aria-hidden="true">
      {(['done', 'open', 'failed', 'unknown'] as Mark[]).map((mark) => (
        <span key={mark} class={'key ' + mark}>
          <i>{signs[mark]}</i> {mark}
        </span>
      ))}
      <span class="key back">
        <i>✓</i> taken back
      </span>
    </span>
  );
}

// The picture in words, for who does not see it.
function Told({ graph, marks }: { graph: Graph; marks?: Record<string, Mark> }) {
  const names = new Map(graph.nodes.map((node) => [node.id, linesOf(node)[0] ?? node.id]));
  return (
    <ul>
      {graph.edges.map((edge, i) => (
        <li key={i}>
          {names.get(edge.from)}{' '}
          {marks?.[edge.from] && marks[edge.from] !== 'waiting' ? `(${marks[edge.from]}) ` : ''}
          {edge.text ? `, ${edge.text}, ` : ' '}
          leads to {names.get(edge.to)}
        </li>
      ))}
    </ul>
  );
}
