// Where the boxes and arrows of a definition are drawn. The forward way runs down and is laid out
// by dagre; the compensation of a step stands at its right, so that the way back runs up beside it.
import dagre from '@dagrejs/dagre';
import type { Graph, GraphEdge, GraphNode } from '../api/types';

export interface Box {
  node: GraphNode;
  x: number; // the middle
  y: number;
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export type Way = 'forward' | 'caught' | 'failure' | 'back';

export interface Arrow {
  edge: GraphEdge;
  way: Way;
  far: boolean; // it crosses much of the picture
  points: Point[]; // the corners of a smooth line
  words: string[]; // lines of its label
  label: Point; // of the first line
  anchor: 'middle' | 'start';
}

export interface Drawing {
  boxes: Box[];
  arrows: Arrow[];
  width: number;
  height: number;
}

const LINE = 18;
const CHARACTER = 7.3;
const GAP = 112; // between a step and its compensation: room for a label
const MARGIN = 24;
const FAR = 260;
export const WORDS_LINE = 13;

interface Size {
  width: number;
  height: number;
}

export function linesOf(node: GraphNode): string[] {
  return node.text.split('\n').filter(Boolean);
}

// Steps are measured; all else is only stood at.
export function isMeasured(node: GraphNode): boolean {
  return node.block !== null && ['step', 'pivot', 'event', 'child'].includes(node.shape);
}

// The same for all that there may be to tell, so that the picture stays where it is when it changes.
export const FIGURES_HEIGHT = 44;
const FIGURES_WIDTH = 150;

function sizeOf(node: GraphNode, figures: boolean): Size {
  if (!figures || !isMeasured(node)) return sizeOfWords(node, 0);
  const { width, height } = sizeOfWords(node, FIGURES_WIDTH);
  return { width, height: height + FIGURES_HEIGHT };
}

function sizeOfWords(node: GraphNode, least: number): Size {
  const lines = linesOf(node);
  const text = Math.max(least, Math.max(...lines.map((line) => line.length), 4) * CHARACTER);
  const height = Math.max(lines.length, 1) * LINE + 18;
  if (node.shape === 'choice') return { width: text + 70, height: height + 22 };
  if (node.shape === 'fork') return { width: Math.max(text + 40, 130), height: LINE + 8 };
  if (node.shape === 'pivot' || node.shape === 'event' || node.shape === 'loop')
    return { width: text + 56, height };
  return { width: text + 32, height };
}

const isBack = (id: string) => /^c\d+$/.test(id);
const stepOf = (id: string) => 's' + id.slice(1);
const isAside = (id: string) => id === 'compensated' || id === 'stuck';

export function wayOf(edge: GraphEdge): Way {
  if (!edge.dashed) return 'forward';
  if (isBack(edge.from)) return 'back';
  return isBack(edge.to) || isAside(edge.to) ? 'failure' : 'caught';
}

interface Pair {
  node: GraphNode;
  size: Size;
  back?: GraphNode;
  backSize?: Size;
}

// `figures`: with room in the boxes for counts and durations.
export function layout(graph: Graph, figures = false): Drawing {
  const pairs = pairsOf(graph, figures);
  const beside = besideOf(pairs);
  const g = new dagre.graphlib.Graph({ multigraph: true });
  g.setGraph({ rankdir: 'TB', nodesep: 36, ranksep: 46 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const [id, { size, backSize }] of pairs)
    g.setNode(id, {
      // as much room at the left as at the right, so that the forward way stays straight
      width: backSize ? 2 * beside + backSize.width : size.width,
      height: Math.max(size.height, backSize?.height ?? 0),
    });
  graph.edges.forEach((edge, index) => {
    if (!isDownward(edge) || !pairs.has(edge.from) || !pairs.has(edge.to)) return;
    const label = edge.text
      ? { width: edge.text.length * 6.2 + 12, height: 16, labelpos: 'c' as const }
      : {};
    g.setEdge(edge.from, edge.to, { ...label, weight: edge.dashed ? 1 : 3 }, String(index));
  });
  dagre.layout(g);

  const boxes = placed(pairs, beside, (id) => g.node(id) as Point);
  placeAside(graph, boxes);
  const labelled = new Set<string>();
  const arrows = graph.edges.flatMap((edge, index): Arrow[] => {
    const from = boxes.get(edge.from);
    const to = boxes.get(edge.to);
    if (!from || !to) return [];
    const planned = isDownward(edge)
      ? (g.edge(edge.from, edge.to, String(index)) as Planned | undefined)
      : undefined;
    const arrow = planned ? downward(edge, from, to, planned) : aside(edge, from, to);
    // one failure leads to several compensations where branches are taken back side by side: it is
    // said once
    const said = edge.from + '\n' + edge.text;
    if (arrow.way === 'failure' && labelled.has(said)) arrow.words = [];
    labelled.add(said);
    return [arrow];
  });
  return cropped([...boxes.values()], arrows);
}

const isDownward = (edge: GraphEdge) => ['forward', 'caught'].includes(wayOf(edge));

function pairsOf(graph: Graph, figures: boolean): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const node of graph.nodes)
    if (!isBack(node.id) && !isAside(node.id))
      pairs.set(node.id, { node, size: sizeOf(node, figures) });
  for (const node of graph.nodes) {
    const pair = isBack(node.id) ? pairs.get(stepOf(node.id)) : undefined;
    if (!pair) continue;
    pair.back = node;
    pair.backSize = sizeOf(node, false);
  }
  return pairs;
}

// How far the middle of a compensation is from that of its step: the same for all, so that the way
// back is a column.
function besideOf(pairs: Map<string, Pair>): number {
  const paired = [...pairs.values()].filter((pair) => pair.backSize);
  const widest = (size: (pair: Pair) => Size) =>
    Math.max(0, ...paired.map((pair) => size(pair).width / 2));
  return widest((pair) => pair.size) + GAP + widest((pair) => pair.backSize!);
}

function placed(
  pairs: Map<string, Pair>,
  beside: number,
  at: (id: string) => Point,
): Map<string, Box> {
  const boxes = new Map<string, Box>();
  for (const [id, pair] of pairs) {
    const { x, y } = at(id);
    boxes.set(id, { node: pair.node, x, y, ...pair.size });
    if (pair.back && pair.backSize)
      boxes.set(pair.back.id, { node: pair.back, x: x + beside, y, ...pair.backSize });
  }
  return boxes;
}

// The two ends that lie off the forward way: where all is taken back at the top right, where it is
// stuck at the bottom right.
function placeAside(graph: Graph, boxes: Map<string, Box>): void {
  const all = [...boxes.values()];
  const right = Math.max(...all.map((box) => box.x + box.width / 2));
  const [top, bottom] = [
    Math.min(...all.map((box) => box.y)),
    Math.max(...all.map((box) => box.y)),
  ];
  for (const node of graph.nodes) {
    if (!isAside(node.id)) continue;
    const size = sizeOf(node, false);
    boxes.set(node.id, {
      node,
      x: right + 40 + size.width / 2,
      y: node.id === 'compensated' ? top : bottom,
      ...size,
    });
  }
}

// Moves everything to where the picture begins.
function cropped(boxes: Box[], arrows: Arrow[]): Drawing {
  const points = arrows.flatMap((arrow) => arrow.points);
  const left =
    Math.min(...boxes.map((box) => box.x - box.width / 2), ...points.map((p) => p.x)) - MARGIN;
  const top =
    Math.min(...boxes.map((box) => box.y - box.height / 2), ...points.map((p) => p.y)) - MARGIN;
  const right = Math.max(...boxes.map((box) => box.x + box.width / 2), ...points.map((p) => p.x));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height / 2), ...points.map((p) => p.y));
  const move = <T extends Point>(at: T): T => ({ ...at, x: at.x - left, y: at.y - top });
  return {
    boxes: boxes.map(move),
    arrows: arrows.map((arrow) => ({
      ...arrow,
      points: arrow.points.map(move),
      label: move(arrow.label),
    })),
    width: right - left + MARGIN,
    height: bottom - top + MARGIN,
  };
}

/* ---- arrows ---- */

interface Planned {
  points: Point[];
  x?: number; // of the label
  y?: number;
}

// As dagre planned it, but from and to the step itself, which is only a part of what dagre placed.
function downward(edge: GraphEdge, from: Box, to: Box, planned: Planned): Arrow {
  const down = to.y >= from.y ? 1 : -1;
  const start = { x: from.x, y: from.y + (down * from.height) / 2 };
  const end = { x: to.x, y: to.y - (down * to.height) / 2 };
  const between = planned.points.slice(1, -1);
  const straight = Math.abs(from.x - to.x) < 2 && between.every((p) => Math.abs(p.x - from.x) < 8);
  const points = straight ? [start, end] : [start, ...between, end];
  const label = straight
    ? middle(start, end)
    : { x: planned.x ?? middle(start, end).x, y: planned.y ?? middle(start, end).y };
  return {
    edge,
    way: wayOf(edge),
    far: false,
    points,
    label,
    words: edge.text ? [edge.text] : [],
    anchor: 'middle',
  };
}

// Failures and the way back: out at the right side, up or down, and in.
function aside(edge: GraphEdge, from: Box, to: Box): Arrow {
  const way = wayOf(edge);
  const common = { edge, way, words: lettersOf(edge.text), far: Math.abs(from.y - to.y) > FAR };
  if (way === 'back' && !isAside(to.node.id) && Math.abs(from.x - to.x) < 2 && to.y < from.y) {
    const start = { x: from.x, y: from.y - from.height / 2 };
    const end = { x: to.x, y: to.y + to.height / 2 };
    return { ...common, points: [start, end], label: middle(start, end), anchor: 'middle' };
  }
  const right = from.x + from.width / 2;
  if (Math.abs(from.y - to.y) < 4 && to.x > from.x) {
    const points = [
      { x: right, y: from.y },
      { x: to.x - to.width / 2, y: to.y },
    ];
    return {
      ...common,
      points,
      label: { x: (right + to.x - to.width / 2) / 2, y: from.y + 10 },
      anchor: 'middle',
    };
  }
  const up = to.y < from.y ? 1 : -1;
  const start = {
    x: right - (from.node.shape === 'pivot' ? 8 : 0),
    y: from.y - (up * from.height) / 4,
  };
  const label = {
    x: right + 8,
    y: start.y - up * 10 - (up > 0 ? (common.words.length - 1) * WORDS_LINE : 0),
  };
  if (to.x - to.width / 2 <= right) {
    // to what lies at the left: round its right side
    const end = { x: to.x + to.width / 2, y: to.y };
    return {
      ...common,
      points: [start, { x: Math.max(right, end.x) + 24, y: middle(start, end).y }, end],
      label,
      anchor: 'start',
    };
  }
  const end = { x: to.x - to.width / 2 + 16, y: to.y + (up * to.height) / 2 };
  return {
    ...common,
    points: [start, { x: Math.min(right + GAP * 0.75, end.x), y: start.y - up * 4 }, end],
    label,
    anchor: 'start',
  };
}

// Beside a step there is room for one name a line.
function lettersOf(text: string): string[] {
  return text ? text.split(/(?<= or) /) : [];
}

function middle(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

// A smooth line through the points.
export function pathOf(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first || rest.length === 0) return '';
  const round = (n: number) => Math.round(n * 10) / 10;
  const at = (p: Point) => `${round(p.x)} ${round(p.y)}`;
  if (rest.length === 1) return `M${at(first)}L${at(rest[0]!)}`;
  let path = `M${at(first)}`;
  for (let i = 0; i < rest.length - 1; i++) {
    const turn = rest[i]!;
    const next = rest[i + 1]!;
    const to = i === rest.length - 2 ? next : middle(turn, next);
    path += `Q${at(turn)} ${at(to)}`;
  }
  return path;
}
