// What a saga knows: its input, its values, what was sent and what was answered.
import { get } from '../api/client';
import type { Saga } from '../api/types';
import { Body, Facts, Loading, Trouble } from '../components/basics';
import { useAnswer } from '../hooks';

export function DataPanel({ saga, path }: { saga: Saga; path: string }) {
  const whole = useAnswer(`${path} bodies ${saga.sequence}`, (signal) =>
    get<Saga>(path, { bodies: true }, signal),
  );
  if (!whole.data)
    return whole.problem ? (
      <Trouble problem={whole.problem} retry={whole.reload} />
    ) : (
      <Loading what="the data" />
    );
  const { data } = whole;
  return (
    <div class="data">
      <Body name="input" value={data.input} shown />
      <Body name="vars" value={data.vars} shown />
      {data.steps.map((step) => (
        <section key={step.path} aria-label={step.path}>
          <h2>{step.path}</h2>
          <Body name={`command ${step.type ?? ''}`} of={step.path} value={step.body} />
          <Body name="result" of={step.path} value={step.result} shown />
          <Body
            name={`compensation ${step.compensationType ?? ''}`}
            of={step.path}
            value={step.compensationBody}
          />
          {step.body === undefined && step.result === undefined && (
            <p class="quiet">Nothing is kept of it.</p>
          )}
        </section>
      ))}
      <Facts
        facts={[
          ['Run', <code>{data.run}</code>],
          ['Trace', data.trace && <code>{data.trace}</code>],
          ['Definition', data.sha256 && <code>{data.sha256}</code>],
          ['Records', data.sequence],
        ]}
      />
    </div>
  );
}
