// How many sagas of a version there are and how long they took, in words and small bars.
import type { Definition, Figures } from '../api/types';
import { ends, stepFigures, type StepFigures } from '../figures';
import { count, duration, percent } from '../format';
import { href } from '../router';
import { Status, Table, Warnings } from './basics';

const open = ['running', 'compensating', 'stuck'] as const;

export function FiguresView({ definition, figures }: { definition: Definition; figures: Figures }) {
  return (
    <div class="columns figures-view">
      <Sagas definition={definition} figures={figures} />
      <Steps definition={definition} figures={figures} />
      <Warnings warnings={figures.warnings} />
    </div>
  );
}

function Sagas({ definition, figures }: { definition: Definition; figures: Figures }) {
  const { name, version } = definition;
  const link = (status: string) => (
    <a href={href(['sagas'], { definition: name, version: String(version), status })}>
      <Status status={status} />
    </a>
  );
  const ended = ends(figures);
  const now = open.filter((status) => figures.counts[status]);
  return (
    <section>
      <h2>Sagas on this version</h2>
      <Table
        caption="Sagas by where they stand, and how long those took that have ended"
        columns={['Status', 'Sagas', 'Half took', '90 %', '99 %']}
        numbers={['Sagas', 'Half took', '90 %', '99 %']}
        empty={now.length + ended.length ? undefined : 'There is none.'}
      >
        {now.map((status) => (
          <tr key={status}>
            <th scope="row">{link(status)}</th>
            <td data-column="Sagas" class="number">
              {count(figures.counts[status] ?? 0)}
            </td>
            <td />
            <td />
            <td />
          </tr>
        ))}
        {ended.map((d) => (
          <tr key={d.outcome}>
            <th scope="row">{link(d.outcome)}</th>
            <td data-column="Sagas" class="number">
              {count(d.count)}
            </td>
            <td data-column="Half took" class="number">
              {duration(d.p50Ms)}
            </td>
            <td data-column="90 %" class="number">
              {duration(d.p90Ms)}
            </td>
            <td data-column="99 %" class="number">
              {duration(d.p99Ms)}
            </td>
          </tr>
        ))}
      </Table>
      <p class="quiet">Ended ones are counted as long as their definition keeps them.</p>
    </section>
  );
}

function Steps({ definition, figures }: { definition: Definition; figures: Figures }) {
  const order = (definition.graph?.nodes ?? []).map((node) => node.name);
  const steps = [...stepFigures(figures).values()].sort(
    (a, b) => order.indexOf(a.step) - order.indexOf(b.step),
  );
  return (
    <section>
      <h2>Where time goes</h2>
      <Table
        caption="Steps: sagas that stand there, how long it takes, and its part of the time of all"
        columns={['Step', 'Now here', 'p50', 'p99', 'Failed', 'Unknown', 'Of the time']}
        numbers={['Now here', 'p50', 'p99', 'Failed', 'Unknown']}
        empty={steps.length ? undefined : 'No step was taken yet.'}
      >
        {steps.map((step) => (
          <Step key={step.step} step={step} definition={definition} />
        ))}
      </Table>
    </section>
  );
}

function Step({ step, definition }: { step: StepFigures; definition: Definition }) {
  const query = { definition: definition.name, version: String(definition.version) };
  const known = step.answers > 0;
  return (
    <tr>
      <th scope="row">{step.step}</th>
      <td data-column="Now here" class="number">
        {step.here > 0 && (
          <a href={href(['sagas'], { ...query, step: step.step })}>{count(step.here)}</a>
        )}
        {step.stuck > 0 && <span class="note stuck">{count(step.stuck)} stuck</span>}
      </td>
      <td data-column="p50" class="number">
        {known && duration(step.p50)}
      </td>
      <td data-column="p99" class="number">
        {known && duration(step.p99)}
      </td>
      <td data-column="Failed" class="number">
        {step.failed > 0 && percent(step.failed)}
      </td>
      <td data-column="Unknown" class="number">
        {step.unknown > 0 && percent(step.unknown)}
      </td>
      <td data-column="Of the time" class="share">
        {known && (
          <>
            <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect class="track" width="100" height="8" />
              <rect class="span open" width={Math.round(step.share * 1000) / 10} height="8" />
            </svg>
            {percent(step.share)}
          </>
        )}
      </td>
    </tr>
  );
}
