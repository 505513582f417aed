// A box of the picture: its form says what it is, its name how far a saga has come there.
import type { GraphNode, Mark } from '../api/types';
import { FigureLines, figureWords, Here, type BoxFigures } from './figures';
import { FIGURES_HEIGHT, linesOf, type Box } from './layout';
import { backWords, markWords, signs } from './marks';

export function BoxView({
  box,
  mark,
  here,
  figures,
  room,
  selected,
  over,
  onGrab,
  stop,
  onNear,
  onSelect,
}: {
  box: Box;
  mark: Mark | undefined;
  here: boolean;
  figures: BoxFigures | undefined;
  room: boolean; // there is some for figures
  selected: boolean;
  over: boolean; // something that is dragged is over it
  onGrab?: (event: PointerEvent, node: GraphNode) => void;
  stop: boolean; // Tab leads here
  onNear: (id: string | undefined) => void;
  onSelect?: (node: GraphNode) => void;
}) {
  const { node, x, y, width, height } = box;
  const lines = linesOf(node);
  const state = mark && mark !== 'waiting' ? mark : here ? 'here' : '';
  const words = node.shape === 'compensation' ? backWords : markWords;
  const name =
    lines.join(' ') +
    (node.shape === 'compensation' ? ', compensation' : '') +
    (mark ? ': ' + words[mark] : here ? ': the saga is here' : '') +
    (figures && figureWords(figures) ? ': ' + figureWords(figures) : '');
  const up = room ? FIGURES_HEIGHT / 2 - 4 : 0;
  const act = onSelect && (() => onSelect(node));
  return (
    <g
      class={`box ${node.shape} ${state}${node.shape === 'end' ? ' end-' + node.id : ''}${selected ? ' selected' : ''}${over ? ' over' : ''}`}
      data-node={node.id}
      transform={`translate(${Math.round(x)} ${Math.round(y)})`}
      role={act ? 'button' : 'img'}
      tabindex={stop ? 0 : -1}
      aria-label={name}
      aria-pressed={act ? selected : undefined}
      onClick={act}
      onPointerDown={onGrab && act ? (e) => onGrab(e, node) : undefined}
      onKeyDown={(e) => {
        if (!act || (e.key !== 'Enter' && e.key !== ' ')) return;
        e.preventDefault();
        act();
      }}
      onMouseEnter={() => onNear(node.id)}
      onMouseLeave={() => onNear(undefined)}
      onFocus={() => onNear(node.id)}
      onBlur={() => onNear(undefined)}
    >
      <Outline shape={node.shape} width={width} height={height} />
      {lines.map((line, i) => (
        <text
          key={i}
          class={i === 0 ? 'first' : 'more'}
          text-anchor="middle"
          dominant-baseline="middle"
          y={(i - (lines.length - 1) / 2) * 18 - up}
        >
          {line + ' '}
        </text>
      ))}
      {figures?.step && <FigureLines step={figures.step} width={width} height={height} />}
      {figures && <Here figures={figures} width={width} height={height} />}
      {mark && signs[mark] && (
        <g
          class="sign"
          transform={`translate(${Math.round(width / 2 - 4)} ${Math.round(-height / 2 + 4)})`}
        >
          <circle r="9" />
          <text text-anchor="middle" dominant-baseline="central">
            {signs[mark]}
          </text>
        </g>
      )}
    </g>
  );
}

function Outline({ shape, width, height }: { shape: string; width: number; height: number }) {
  const w = Math.round(width / 2);
  const h = Math.round(height / 2);
  const cut = 16;
  const polygon = (points: number[][]) => (
    <polygon class="outline" points={points.map((p) => p.join(' ')).join(', ')} />
  );
  switch (shape) {
    case 'choice':
      return polygon([
        [-w, 0],
        [0, -h],
        [w, 0],
        [0, h],
      ]);
    case 'pivot':
      return polygon([
        [-w, 0],
        [-w + cut, -h],
        [w - cut, -h],
        [w, 0],
        [w - cut, h],
        [-w + cut, h],
      ]);
    case 'event':
      return polygon([
        [-w + cut, -h],
        [w - cut, -h],
        [w, h],
        [-w, h],
      ]);
    case 'loop':
      return polygon([
        [-w, -h],
        [w, -h],
        [w - cut, h],
        [-w + cut, h],
      ]);
    case 'set':
      return polygon([
        [-w + 8, -h],
        [w, -h],
        [w - 8, h],
        [-w, h],
      ]);
    case 'publish':
      return polygon([
        [-w, -h],
        [w - 12, -h],
        [w, 0],
        [w - 12, h],
        [-w, h],
      ]);
    case 'fail':
      return polygon([
        [-w + 9, -h],
        [w - 9, -h],
        [w, -h + 9],
        [w, h - 9],
        [w - 9, h],
        [-w + 9, h],
        [-w, h - 9],
        [-w, -h + 9],
      ]);
    case 'child':
      return (
        <>
          <rect class="outline" x={-w} y={-h} width={2 * w} height={2 * h} rx="3" />
          <path class="inner" d={`M${-w + 6} ${-h}V${h}M${w - 6} ${-h}V${h}`} />
        </>
      );
    case 'fork':
      return <rect class="outline" x={-w} y={-h} width={2 * w} height={2 * h} rx="3" />;
    case 'step':
      return <rect class="outline" x={-w} y={-h} width={2 * w} height={2 * h} rx="6" />;
    default: // start, end, compensation, wait
      return <rect class="outline" x={-w} y={-h} width={2 * w} height={2 * h} rx={h} />;
  }
}
