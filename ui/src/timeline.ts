// How long the steps of a run took, out of its journal records: from when each was first asked for
// to how it came out.
import type { HistoryRun } from './api/types';

export type Outcome =
  'open' | 'succeeded' | 'failed' | 'unknown' | 'skipped' | 'passed' | 'withdrawn';

export interface Span {
  path: string;
  what: string; // the command's type, the awaited event, the child
  compensation: boolean;
  outcome: Outcome;
  attempts: number;
  begin: number; // ms
  end: number | undefined; // undefined: open
}

const begins: Record<string, boolean> = {
  StepSent: false,
  AwaitOpened: false,
  ChildStarted: false,
  WaitStarted: false,
  CompensationSent: true,
};

const ends: Record<string, [Outcome, boolean]> = {
  StepSucceeded: ['succeeded', false],
  StepFailed: ['failed', false],
  StepUnknown: ['unknown', false],
  StepSkipped: ['skipped', false],
  AwaitClosed: ['withdrawn', false],
  BlockPassed: ['passed', false],
  CompensationSucceeded: ['succeeded', true],
  CompensationFailed: ['failed', true],
  CompensationExhausted: ['failed', true],
  CompensationSkipped: ['skipped', true],
};

interface Fact {
  fact: string;
  step?: string;
  type?: string;
  target?: string;
  attempt?: number;
}

export function spansOf(run: HistoryRun): Span[] {
  const spans: Span[] = [];
  const find = (path: string, compensation: boolean) =>
    spans.findLast((s) => s.path === path && s.compensation === compensation);
  for (const record of run.items) {
    const time = Date.parse(record.time);
    for (const fact of record.facts as Fact[]) {
      const path = fact.step ?? '';
      const compensation = begins[fact.fact];
      if (compensation !== undefined) {
        const known = (fact.attempt ?? 1) > 1 ? find(path, compensation) : undefined;
        if (known) {
          known.attempts = fact.attempt ?? 1;
          known.outcome = 'open';
          known.end = undefined;
        } else {
          const what = fact.type ?? fact.target ?? '';
          spans.push({
            path,
            what,
            compensation,
            outcome: 'open',
            attempts: 1,
            begin: time,
            end: undefined,
          });
        }
        continue;
      }
      const end = ends[fact.fact];
      const span = end && find(path, end[1]);
      if (!span) continue;
      const left = end[0] === 'passed' || end[0] === 'withdrawn';
      if (left && span.outcome !== 'open') continue; // it came out already
      [span.outcome] = end;
      span.end = time;
    }
  }
  return spans;
}
