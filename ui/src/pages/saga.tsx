// One saga: where it stands in its definition, how it came there, and what an operator can say to
// it.
import { useState } from 'preact/hooks';
import { get, part } from '../api/client';
import type { Graph, GraphNode, Saga } from '../api/types';
import {
  Facts,
  Heading,
  Loading,
  Panel,
  SagaLink,
  Status,
  Tabs,
  Time,
  Trouble,
  VersionLink,
  Warnings,
} from '../components/basics';
import { duration } from '../format';
import { LazyGraph } from '../graph/lazy';
import { useAnswer, useNow } from '../hooks';
import { go, href } from '../router';
import { DataPanel } from './saga-data';
import { HistoryPanel } from './saga-history';
import { Operators } from './saga-operators';
import { StepsTable } from './saga-steps';

const OPEN_MS = 2000;
const ENDED_MS = 30_000;

const tabs: [string, string][] = [
  ['stands', 'Where it stands'],
  ['history', 'History'],
  ['data', 'Data'],
];

export const sagaPath = (definition: string, key: string) =>
  `/sagas/${part(definition)}/${part(key)}`;

export function SagaPage({
  definition,
  sagaKey,
  query,
}: {
  definition: string;
  sagaKey: string;
  query: URLSearchParams;
}) {
  const id = definition + '/' + sagaKey;
  const path = sagaPath(definition, sagaKey);
  const asked = query.get('tab');
  const tab = tabs.some(([name]) => name === asked) ? asked! : 'stands';
  const saga = useAnswer(path, (signal) => get<Saga>(path, { verbs: true }, signal), {
    every: OPEN_MS * 2,
    live: id,
  });
  const choose = (to: string) =>
    go(href(['sagas', definition, sagaKey], { tab: to === 'stands' ? undefined : to }), true);
  if (!saga.data)
    return (
      <>
        <Heading title={id} />
        {saga.loading && !saga.problem ? (
          <Loading what="the saga" />
        ) : (
          <Trouble problem={saga.problem} retry={saga.reload} />
        )}
        {saga.problem?.status === 404 && (
          <p>
            A saga that was forgotten is still in the journal: <code>saga history {id} --scan</code>{' '}
            reads all of its lane.
          </p>
        )}
      </>
    );
  return (
    <>
      <Heading title={id}>
        <Status status={saga.data.status} paused={saga.data.paused} />
      </Heading>
      <Trouble problem={saga.problem} />
      <Warnings warnings={saga.data.warnings} />
      {saga.data.trouble && (
        <div class={saga.data.status === 'stuck' ? 'trouble' : 'warning'}>
          <p>
            <strong>{saga.data.status === 'stuck' ? 'Stuck' : 'Trouble'}</strong>:{' '}
            {saga.data.trouble}
          </p>
          {saga.data.mend && <p class="mend">{saga.data.mend}</p>}
        </div>
      )}
      <Summary saga={saga.data} />
      <Operators saga={saga.data} path={path} onDone={saga.reload} />
      <Tabs label="Views of the saga" tabs={tabs} current={tab} onChange={choose} />
      <Panel id={tab}>
        {tab === 'stands' && <Stands saga={saga.data} path={path} />}
        {tab === 'history' && <HistoryPanel saga={saga.data} path={path} />}
        {tab === 'data' && <DataPanel saga={saga.data} path={path} />}
      </Panel>
    </>
  );
}

function Summary({ saga }: { saga: Saga }) {
  const now = useNow();
  const lasted = Date.parse(saga.ended ?? new Date(now).toISOString()) - Date.parse(saga.started);
  const flags = [
    saga.pivoted && 'behind the pivot',
    saga.deadlinePassed && 'past its deadline',
    saga.deferred && 'compensation waits for the pivot',
    saga.resolved && 'resolved by an operator',
  ].filter(Boolean);
  return (
    <Facts
      facts={[
        ['At', saga.at],
        [
          'Definition',
          <>
            <a href={href(['definitions', saga.definition])}>{saga.definition}</a>,{' '}
            <VersionLink name={saga.definition} version={saga.version} />
          </>,
        ],
        [
          'Started',
          <>
            <Time time={saga.started} />{' '}
            <span class="quiet">
              (<Time time={saga.started} now={now} />)
            </span>
          </>,
        ],
        [
          saga.ended ? 'Ended' : 'Changed',
          <>
            <Time time={saga.ended ?? saga.changed} />{' '}
            <span class="quiet">
              (<Time time={saga.ended ?? saga.changed} now={now} />)
            </span>
          </>,
        ],
        [saga.ended ? 'Took' : 'Lasts', duration(Math.max(0, lasted))],
        ['Also', flags.join(', ')],
        [
          'Child of',
          saga.parentId && (
            <>
              <SagaLink id={saga.parentId} />, step {saga.parentStep}
            </>
          ),
        ],
        [
          'Search',
          saga.search &&
            Object.entries(saga.search).map(([name, value]) => (
              <a key={name} class="chip" href={href(['sagas'], { search: `${name}:${value}` })}>
                {name}:{value}
              </a>
            )),
        ],
        ['Timers', saga.timers.length > 0 && <Timers timers={saga.timers} now={now} />],
      ]}
    />
  );
}

function Timers({ timers, now }: { timers: Saga['timers']; now: number }) {
  return (
    <>
      {timers.map((timer) => (
        <span key={timer.name} class="timer">
          {timer.name === 'keep' ? 'forgotten' : timer.name}{' '}
          {timer.held ? (
            <span class="quiet">waits for the end of the pause</span>
          ) : (
            <Time time={timer.due} now={now} />
          )}
        </span>
      ))}
    </>
  );
}

function Stands({ saga, path }: { saga: Saga; path: string }) {
  const graph = useAnswer(
    `${path}/graph`,
    (signal) => get<Graph>(path + '/graph', undefined, signal),
    {
      every: saga.ended ? ENDED_MS : OPEN_MS * 2,
      live: saga.id,
    },
  );
  // a step that is chosen in the picture is found in the timeline
  const [chosen, setChosen] = useState<GraphNode>();
  const at = ['completed', 'compensated', 'stuck'].includes(saga.status) ? saga.status : undefined;
  return (
    <div class="stands">
      <section aria-labelledby="graph-of-saga" class="picture">
        <h2 id="graph-of-saga">Graph</h2>
        <Trouble problem={graph.problem} />
        {graph.data ? (
          <LazyGraph
            graph={graph.data}
            title={`${saga.definition} version ${saga.version}`}
            ended={at}
            selected={chosen?.id}
            onSelect={(node) => setChosen(node.id === chosen?.id ? undefined : node)}
          />
        ) : (
          graph.loading && <Loading what="the graph" />
        )}
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
        <StepsTable saga={saga} path={path} chosen={chosen} />
      </section>
    </div>
  );
}
