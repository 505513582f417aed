// Counts and durations on the boxes of a picture.
import type { Figures, GraphNode } from '../api/types';
import { stepFigures, type StepFigures } from '../figures';
import { count, duration, percent } from '../format';
import { FIGURES_HEIGHT, isMeasured } from './layout';

export interface BoxFigures {
  here: number;
  kind: string; // of which status most of them are
  step?: StepFigures; // undefined: a box at which nothing is measured
}

export function boxFigures(
  figures: Figures | undefined,
): ((node: GraphNode) => BoxFigures | undefined) | undefined {
  if (!figures) return undefined;
  const steps = stepFigures(figures);
  const counts: Record<string, number> = figures.counts;
  return (node) => {
    if (node.shape === 'end') return { here: counts[node.id] ?? 0, kind: node.id };
    if (node.block === null || node.shape === 'compensation' || !node.name) return undefined;
    const step = steps.get(node.name);
    if (!step && !isMeasured(node)) return undefined;
    const kind = 'running';
    const here = step?.here ?? 0;
    return isMeasured(node) ? { here, kind, step: step ?? noneOf(node.name) } : { here, kind };
  };
}

const noneOf = (step: string): StepFigures => ({
  ...{ step, here: 0, stuck: 0, back: 0 },
  ...{ answers: 0, p50: 0, p99: 0, failed: 0, unknown: 0, share: 0 },
});

// Of which kind how many are here: as class, number and words.
function standing({ here, kind, step }: BoxFigures): [string, number, string][] {
  const all: [string, number, string][] = step
    ? [
        ['running', here - step.stuck - step.back, ''],
        ['compensating', step.back, ' back'],
        ['stuck', step.stuck, ' stuck'],
      ]
    : [[kind, here, '']];
  return all
    .filter(([, n]) => n > 0)
    .map(([name, n, word]): [string, number, string] => [name, n, count(n) + word]);
}

function took(step: StepFigures): string {
  return step.answers
    ? `p50 ${duration(step.p50)}, p99 ${duration(step.p99)}`
    : 'none answered yet';
}

function faults(step: StepFigures): string {
  return [
    step.failed && percent(step.failed) + ' failed',
    step.unknown && percent(step.unknown) + ' unknown',
  ]
    .filter(Boolean)
    .join(', ');
}

// For a box's name: what is drawn, in the same order.
export function figureWords(figures: BoxFigures): string {
  const { kind, step } = figures;
  const here = standing(figures)
    .map(([, , words]) => words)
    .join(', ');
  if (!step) return here && `${here} ${kind === 'running' ? 'here now' : 'sagas ' + kind}`;
  const words = [took(step), faults(step), here && here + ' here now'];
  if (step.answers) words.push(percent(step.share) + ' of the time');
  return words.filter(Boolean).join(', ');
}

const BAR = 5;

// Below the words of a box, within its outline.
export function FigureLines({
  step,
  height,
  width,
}: {
  step: StepFigures;
  height: number;
  width: number;
}) {
  const top = height / 2 - FIGURES_HEIGHT + 3;
  const bar = Math.round(width - 44);
  return (
    <g class="figures" aria-hidden="true">
      <text text-anchor="middle" y={top + 8}>
        {took(step) + ' '}
      </text>
      <text class="faults" text-anchor="middle" y={top + 22}>
        {faults(step) + ' '}
      </text>
      <rect class="share-all" x={-bar / 2} y={top + 30} width={bar} height={BAR} rx="2" />
      <rect
        class="share"
        x={-bar / 2}
        y={top + 30}
        width={Math.round(bar * step.share * 10) / 10}
        height={BAR}
        rx="2"
      />
    </g>
  );
}

// How many are here, along the upper edge of a box.
export function Here({
  figures,
  width,
  height,
}: {
  figures: BoxFigures;
  width: number;
  height: number;
}) {
  let x = -width / 2 - 6;
  return (
    <>
      {standing(figures).map(([name, , words]) => {
        const wide = Math.round(words.length * 7 + 13);
        const left = Math.round(x);
        x += wide + 4;
        return (
          <g
            key={name}
            class={'here-count ' + name}
            transform={`translate(${left} ${Math.round(-height / 2)})`}
            aria-hidden="true"
          >
            <rect y="-10" width={wide} height="20" rx="10" />
            <text x={wide / 2} text-anchor="middle" dominant-baseline="central">
              {words + ' '}
            </text>
          </g>
        );
      })}
    </>
  );
}
