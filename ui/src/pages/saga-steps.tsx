// The steps of a saga with how long they took, drawn along its time.
import { useEffect, useRef } from 'preact/hooks';
import type { GraphNode, Saga, Step } from '../api/types';
import { Loading, SagaLink, Trouble } from '../components/basics';
import { duration } from '../format';
import { useNow } from '../hooks';
import { spansOf, type Span } from '../timeline';
import { useHistory } from './saga-history';

const WIDTH = 1000;
const LEAST = 5; // what is shorter than can be seen is drawn so wide

interface Props {
  saga: Saga;
  path: string;
  chosen: GraphNode | undefined; // whose rows are shown
}

export function StepsTable({ saga, path, chosen }: Props) {
  const first = useRef<HTMLTableRowElement>(null);
  useEffect(() => first.current?.scrollIntoView({ block: 'nearest' }), [chosen]);
  const history = useHistory(saga, path, false);
  const now = useNow();
  const run = history.data?.runs.findLast((r) => r.run === saga.run);
  if (!run)
    return history.loading ? (
      <Loading what="the journal" />
    ) : history.problem ? (
      <Trouble problem={history.problem} retry={history.reload} />
    ) : (
      <p class="empty">The journal has no records of this run any more.</p>
    );
  const spans = spansOf(run);
  const from = Date.parse(saga.started);
  // where nothing is open, waiting for a person is not drawn: what was done could not be told apart
  const waits = spans.every((span) => span.end !== undefined);
  const changed = Date.parse(saga.changed);
  const until = saga.ended ? Date.parse(saga.ended) : waits ? changed : Math.max(now, changed);
  const all = Math.max(1, until - from);
  const place = (time: number) => Math.min(1, Math.max(0, (time - from) / all)) * (WIDTH - LEAST);
  const steps = new Map(saga.steps.map((step) => [step.path, step]));
  const isChosen = (span: Span) =>
    chosen !== undefined &&
    span.compensation === (chosen.shape === 'compensation') &&
    steps.get(span.path)?.block === chosen.block;
  const firstChosen = spans.find((span) => isChosen(span));
  return (
    <div class="table">
      <table class="steps">
        <caption class="visually-hidden">Steps in the order in which they began</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col" class="drawn">
              <span class="visually-hidden">When, drawn</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {spans.map((span) => (
            <tr
              key={span.path + (span.compensation ? ' back' : '') + span.begin}
              ref={span === firstChosen ? first : undefined}
              class={(span.compensation ? 'compensation' : '') + (isChosen(span) ? ' chosen' : '')}
            >
              <th scope="row">
                {span.compensation && <span class="quiet">take back </span>}
                {span.path}
                <StepNote step={steps.get(span.path)} span={span} />
              </th>
              <td data-column="Outcome">
                <span class={'outcome ' + span.outcome}>{outcomeWords(span)}</span>
                {span.attempts > 1 && <span class="quiet"> attempt {span.attempts}</span>}
              </td>
              <td data-column="Took" class="number">
                {duration((span.end ?? until) - span.begin)}
              </td>
              <td class="drawn">
                <Bar span={span} begin={place(span.begin)} end={place(span.end ?? until)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {spans.length === 0 && <p class="empty">No step has begun.</p>}
    </div>
  );
}

function outcomeWords(span: Span): string {
  if (span.compensation && span.outcome === 'succeeded') return 'taken back';
  return span.outcome;
}

function StepNote({ step, span }: { step: Step | undefined; span: Span }) {
  const error =
    !span.compensation && step && [step.errorType, step.errorMessage].filter(Boolean).join(': ');
  return (
    <span class="note">
      {step?.kind === 'child' && step.target ? <SagaLink id={step.target} /> : span.what}
      {step?.pivot && !span.compensation && ' · pivot'}
      {error && <span class="bad"> · {error}</span>}
    </span>
  );
}

function Bar({ span, begin, end }: { span: Span; begin: number; end: number }) {
  const kind = (span.compensation ? 'back ' : '') + span.outcome;
  return (
    <svg class="bar" viewBox={`0 0 ${WIDTH} 12`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width={WIDTH} height="12" />
      <rect class={'span ' + kind} x={begin} width={Math.max(LEAST, end - begin)} height="12" />
    </svg>
  );
}
