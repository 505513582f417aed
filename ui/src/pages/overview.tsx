// How it goes: how much, how fast, what is stuck, and who does it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/client';
import {
  open,
  statuses,
  type Counts,
  type Lane,
  type SagaPage,
  type SagaStatus,
  type Topology,
} from '../api/types';
import { Heading, Loading, Table, Time, Trouble, Warnings } from '../components/basics';
import { Sparkline } from '../components/sparkline';
import { count, plural, rate } from '../format';
import { useAnswer, useNow } from '../hooks';
import { href } from '../router';

const EVERY_MS = 2000;
const POINTS = 60;
const STUCK = 200; // so many are looked at for what they hang on

export function OverviewPage() {
  const counts = useAnswer('counts', (signal) => get<Counts>('/counts', undefined, signal), {
    every: EVERY_MS,
    live: true,
  });
  const topology = useAnswer(
    'topology',
    (signal) => get<Topology>('/topology', undefined, signal),
    { every: EVERY_MS },
  );
  const rates = useRates(topology.data);
  return (
    <>
      <Heading title="Overview" />
      <Trouble problem={counts.problem ?? topology.problem} />
      <Warnings warnings={counts.data?.warnings} />
      {counts.data ? (
        <Tiles counts={counts.data} />
      ) : (
        counts.loading && <Loading what="the counts" />
      )}
      {counts.data && total(counts.data, 'stuck') > 0 && (
        <Stuck count={total(counts.data, 'stuck')} />
      )}
      <div class="columns">
        <section aria-labelledby="rates">
          <h2 id="rates">Rates</h2>
          <Rates rates={rates} instance={topology.data?.instance} />
        </section>
        <section aria-labelledby="by-definition">
          <h2 id="by-definition">By definition</h2>
          {counts.data && <ByDefinition counts={counts.data} />}
        </section>
      </div>
      <section aria-labelledby="lanes">
        <h2 id="lanes">Lanes</h2>
        {topology.data ? (
          <Lanes lanes={topology.data.lanes} />
        ) : (
          topology.loading && <Loading what="the lanes" />
        )}
      </section>
    </>
  );
}

/* ---- how much ---- */

function total(counts: Counts, status: SagaStatus): number {
  return counts.items.filter((c) => c.status === status).reduce((sum, c) => sum + c.count, 0);
}

function Tiles({ counts }: { counts: Counts }) {
  return (
    <ul class="tiles">
      {statuses.map((status) => (
        <li key={status} class={'tile ' + status + (total(counts, status) ? '' : ' none')}>
          <a href={href(['sagas'], { status })}>
            <b>{count(total(counts, status))}</b> <span>{status}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function ByDefinition({ counts }: { counts: Counts }) {
  const names = [...new Set(counts.items.map((c) => c.definition))].sort();
  const of = (name: string, status: SagaStatus) =>
    counts.items.find((c) => c.definition === name && c.status === status)?.count ?? 0;
  const sum = (name: string, among: SagaStatus[]) =>
    among.reduce((n, status) => n + of(name, status), 0);
  const ended = statuses.filter((status) => !open.includes(status));
  return (
    <Table
      caption="Sagas by definition"
      columns={['Definition', 'Open', 'Stuck', 'Ended']}
      numbers={['Open', 'Stuck', 'Ended']}
      empty={names.length ? undefined : 'There are no sagas yet.'}
    >
      {names.map((name) => (
        <tr key={name}>
          <th scope="row">
            <a href={href(['definitions', name])}>{name}</a>
          </th>
          <td data-column="Open" class="number">
            <a href={href(['sagas'], { definition: name })}>{count(sum(name, open))}</a>
          </td>
          <td data-column="Stuck" class="number">
            {of(name, 'stuck') ? (
              <a class="stuck" href={href(['sagas'], { definition: name, status: 'stuck' })}>
                {count(of(name, 'stuck'))}
              </a>
            ) : (
              '0'
            )}
          </td>
          <td data-column="Ended" class="number">
            {count(sum(name, ended))}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/* ---- what is stuck, and why ---- */

interface StuckOn {
  definition: string;
  at: string;
  step: string; // that can be asked for; empty: it hangs on none
  kind: string;
  messages: Set<string>; // those of the newest first
  count: number;
  since: string; // of the one that changed first
}

function withoutRounds(path: string): string {
  return path.replaceAll(/\[\d+\]/g, ''); // of a loop, all rounds
}

function stuckOn(page: SagaPage): StuckOn[] {
  const groups = new Map<string, StuckOn>();
  for (const { definition, at, error, changed } of page.items) {
    const where = withoutRounds(at);
    const kind = error?.type ?? '';
    const key = JSON.stringify([definition, where, kind]);
    const group = groups.get(key) ?? {
      ...{ definition, at: where, step: withoutRounds(error?.step ?? ''), kind },
      ...{ messages: new Set<string>(), count: 0, since: changed },
    };
    group.count++;
    if (error?.message) group.messages.add(error.message);
    if (changed < group.since) group.since = changed;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

function Why({ messages }: { messages: Set<string> }) {
  const [first] = messages;
  if (!first) return null;
  return (
    <span class="note">
      {first}
      {messages.size > 1 && ` and ${plural(messages.size - 1, 'other reason')}`}
    </span>
  );
}

function Stuck({ count: all }: { count: number }) {
  const query = { status: 'stuck', limit: STUCK };
  const page = useAnswer('stuck', (signal) => get<SagaPage>('/sagas', query, signal), {
    every: EVERY_MS * 5,
    live: true,
  });
  const now = useNow(5000);
  if (!page.data) return null;
  return (
    <section aria-labelledby="stuck">
      <h2 id="stuck">Stuck on</h2>
      <Table
        caption="Stuck sagas by what they hang on, the most first"
        columns={['Definition', 'At', 'Stuck on', 'Since', 'Sagas']}
        numbers={['Sagas']}
      >
        {stuckOn(page.data).map(({ definition, at, step, kind, messages, count: n, since }) => (
          <tr key={definition + at + kind}>
            <th scope="row">{definition}</th>
            <td data-column="At">{at}</td>
            <td data-column="Stuck on">
              {kind}
              <Why messages={messages} />
            </td>
            <td data-column="Since" class="when">
              <Time time={since} now={now} />
            </td>
            <td data-column="Sagas" class="number">
              <a
                class="stuck"
                href={href(['sagas'], {
                  ...{ status: 'stuck', definition, step: step || undefined },
                })}
              >
                {count(n)}
              </a>
            </td>
          </tr>
        ))}
      </Table>
      {all > STUCK && <p class="quiet">Of the {count(STUCK)} that got stuck last.</p>}
    </section>
  );
}

/* ---- how fast ---- */

interface Rate {
  name: string;
  what: string;
  points: number[]; // a second, the newest last
}

interface Sample {
  time: number;
  instance: string;
  values: Record<string, number>;
}

// Of all processes together what the journal tells; of the one that answers what it counts itself.
function sampleOf(topology: Topology): Sample {
  const journal = topology.lanes.reduce((sum, lane) => sum + (lane.journalEnd ?? 0), 0);
  return {
    time: Date.now(),
    instance: topology.instance,
    values: { journal, ...topology.counters },
  };
}

function useRates(topology: Topology | undefined): Rate[] {
  const [samples, setSamples] = useState<Sample[]>([]);
  const last = useRef<Topology | undefined>(undefined);
  useEffect(() => {
    if (!topology || topology === last.current) return;
    last.current = topology;
    const sample = sampleOf(topology);
    // another process counts from somewhere else
    setSamples((old) =>
      [...old.filter((s) => s.instance === sample.instance), sample].slice(-POINTS - 1),
    );
  }, [topology]);
  const series = (name: string) =>
    samples.slice(1).map((now, i) => {
      const before = samples[i]!;
      const more = (now.values[name] ?? 0) - (before.values[name] ?? 0);
      return Math.max(0, (more * 1000) / Math.max(1, now.time - before.time));
    });
  return [
    {
      name: 'Journal records',
      what: 'records a second, of all processes',
      points: series('journal'),
    },
    { name: 'Started', what: 'sagas a second, of this process', points: series('started') },
    { name: 'Ended', what: 'sagas a second, of this process', points: series('ended') },
    { name: 'Commands', what: 'commands a second, of this process', points: series('commands') },
  ];
}

function Rates({ rates, instance }: { rates: Rate[]; instance: string | undefined }) {
  return (
    <>
      <div class="rates">
        {rates.map((r) => (
          <div key={r.name} class="rate">
            <span class="name">{r.name}</span>
            <b>{r.points.length ? rate(r.points.at(-1)!) : '–'}</b>
            <span class="quiet">{r.what}</span>
            <Sparkline points={r.points} slots={POINTS} label={r.name} />
          </div>
        ))}
      </div>
      {instance && <p class="quiet">This process is {instance}.</p>}
    </>
  );
}

/* ---- who does it ---- */

const standings: Record<Lane['standing'], string> = {
  confirmed: 'its owner works',
  silent: 'nobody has confirmed it for a while',
  building: 'is being built anew in Redis',
  missing: 'Redis has nothing of it',
};

function Lanes({ lanes }: { lanes: Lane[] }) {
  const now = useNow();
  const owners = [...new Set(lanes.map((lane) => lane.owner ?? ''))].filter(Boolean).sort();
  return (
    <>
      <p class="quiet">
        {plural(lanes.length, 'lane')}, {plural(owners.length, 'owner')}
      </p>
      <ul class="lanes">
        {lanes.map((lane) => (
          <li key={lane.lane} class={'lane ' + lane.standing}>
            <div class="lane-head">
              <b>Lane {lane.lane}</b>
              <span class={'standing ' + lane.standing}>{lane.standing}</span>
            </div>
            <p class="visually-hidden">{standings[lane.standing]}</p>
            <p class="owner">{lane.owner ?? 'no owner'}</p>
            <p class="quiet">
              {lane.heartbeat ? (
                <>
                  confirmed <Time time={lane.heartbeat} now={now} />
                </>
              ) : (
                'never confirmed'
              )}
            </p>
            <p>
              <Lag name="behind" value={lane.behind} />{' '}
              <Lag name="in the inbox" value={lane.inboxLag} />
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

function Lag({ name, value }: { name: string; value: number | undefined }) {
  if (value === undefined) return null;
  return <span class={'lag' + (value > 1000 ? ' much' : '')}>{count(value) + ' ' + name}</span>;
}
