// What counts and durations of a definition's version come to, by step.
import type { Durations, Figures } from './api/types';

export interface StepFigures {
  step: string;
  here: number; // sagas that stand there now; of these so many
  stuck: number;
  back: number; // are being compensated
  answers: number; // outcomes that the durations are of
  p50: number; // ms; 0 where there are none
  p99: number;
  failed: number; // parts of all outcomes, 0 to 1
  unknown: number;
  share: number; // of the time that all steps took
}

// In no order; only steps of which there is something to tell.
export function stepFigures(figures: Figures): Map<string, StepFigures> {
  const steps = new Map<string, StepFigures>();
  const of = (step: string): StepFigures => {
    const known = steps.get(step) ?? {
      ...{ step, here: 0, stuck: 0, back: 0 },
      ...{ answers: 0, p50: 0, p99: 0, failed: 0, unknown: 0, share: 0 },
    };
    steps.set(step, known);
    return known;
  };
  for (const { step, status, count } of figures.steps) {
    const found = of(step);
    found.here += count;
    if (status === 'stuck') found.stuck += count;
    if (status === 'compensating') found.back += count;
  }
  const times = new Map<string, number>();
  for (const [step, outcomes] of byStep(figures.durations)) {
    const found = of(step);
    const counted = (outcome: string) =>
      outcomes.filter((d) => d.outcome === outcome).reduce((sum, d) => sum + d.count, 0);
    const buckets = outcomes.flatMap((d) => d.buckets);
    found.answers = outcomes.reduce((sum, d) => sum + d.count, 0);
    found.p50 = quantile(buckets, 0.5);
    found.p99 = quantile(buckets, 0.99);
    found.failed = counted('failed') / found.answers;
    found.unknown = counted('unknown') / found.answers;
    times.set(step, spent(buckets));
  }
  const all = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  for (const [step, ms] of times) of(step).share = all ? ms / all : 0;
  return steps;
}

function byStep(durations: Durations[]): Map<string, Durations[]> {
  const found = new Map<string, Durations[]>();
  for (const d of durations)
    if (d.step !== null && d.count) found.set(d.step, [...(found.get(d.step) ?? []), d]);
  return found;
}

type Bucket = Durations['buckets'][number];

// The greatest value of the bucket in which it lies, as the coordinator has it; the last bucket has
// none.
export function quantile(buckets: Bucket[], part: number): number {
  const sorted = [...buckets].sort((a, b) => a.fromMs - b.fromMs);
  const all = sorted.reduce((sum, b) => sum + b.count, 0);
  let below = 0;
  for (const bucket of sorted) {
    below += bucket.count;
    if (below >= all * part) return bucket.toMs ?? bucket.fromMs;
  }
  return 0;
}

// Each counts as the middle of its bucket.
function spent(buckets: Bucket[]): number {
  return buckets.reduce((sum, b) => sum + (b.count * (b.fromMs + (b.toMs ?? b.fromMs))) / 2, 0);
}

// Of whole sagas, those first that are the most.
export function ends(figures: Figures): Durations[] {
  return figures.durations.filter((d) => d.step === null).sort((a, b) => b.count - a.count);
}
