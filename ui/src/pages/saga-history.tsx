// What happened to a saga, event by event, as the journal has it.
import { useState } from 'preact/hooks';
import { get } from '../api/client';
import type { History, HistoryRecord, HistoryRun, Saga } from '../api/types';
import { Body, Loading, Time, Trouble, Warnings } from '../components/basics';
import { clock, duration, plural } from '../format';
import { useAnswer, type Answer } from '../hooks';

const PAGE = 1000;
const PAGES = 5;

// Joined pages: a run that goes on in the next page is one run.
async function wholeHistory(path: string, bodies: boolean, signal: AbortSignal): Promise<History> {
  const ask = (cursor?: string) =>
    get<History>(path + '/history', { bodies: bodies || undefined, limit: PAGE, cursor }, signal);
  let history = await ask();
  for (let i = 1; i < PAGES && history.next; i++) {
    const more = await ask(history.next);
    const last = history.runs.at(-1);
    const [first, ...rest] = more.runs;
    const joined = last && first && last.run === first.run;
    const runs = joined
      ? [
          ...history.runs.slice(0, -1),
          { ...first, cut: last.cut, items: [...last.items, ...first.items] },
          ...rest,
        ]
      : [...history.runs, ...more.runs];
    history = { ...more, runs, unreadable: Math.max(history.unreadable, more.unreadable) };
  }
  return history;
}

// Read anew whenever the saga has a record more.
export function useHistory(saga: Saga, path: string, bodies: boolean): Answer<History> {
  const answer = useAnswer(`${path} ${saga.run} ${saga.sequence} ${bodies}`, (signal) =>
    wholeHistory(path, bodies, signal),
  );
  const [kept, setKept] = useState<{ of: string; data: History }>();
  const of = `${path} ${bodies}`;
  if (answer.data && kept?.data !== answer.data) setKept({ of, data: answer.data });
  return { ...answer, data: answer.data ?? (kept?.of === of ? kept.data : undefined) };
}

export function HistoryPanel({ saga, path }: { saga: Saga; path: string }) {
  const [bodies, setBodies] = useState(false);
  const history = useHistory(saga, path, bodies);
  return (
    <>
      <p>
        <label>
          <input
            type="checkbox"
            checked={bodies}
            onChange={(e) => setBodies(e.currentTarget.checked)}
          />{' '}
          with bodies
        </label>
      </p>
      <Trouble problem={history.problem} retry={history.reload} />
      <Warnings warnings={history.data?.warnings} />
      {!history.data && history.loading && <Loading what="the journal" />}
      {history.data && history.data.unreadable > 0 && (
        <p class="warning">
          {plural(history.data.unreadable, 'record')} of this saga cannot be read.
        </p>
      )}
      {history.data?.runs.map((run) => (
        <Run key={run.run} run={run} several={history.data!.runs.length > 1} />
      ))}
      {history.data?.next && (
        <p class="quiet">
          There is more: <code>saga history {saga.id}</code> tells all of it.
        </p>
      )}
    </>
  );
}

function Run({ run, several }: { run: HistoryRun; several: boolean }) {
  return (
    <section>
      {several && <h2>Run {run.run}</h2>}
      {run.cut > 0 && (
        <p class="warning">
          {plural(run.cut, 'record')} before these are not in the journal any more.
        </p>
      )}
      {run.holes > 0 && (
        <p class="trouble">
          {plural(run.holes, 'record')} between these are missing: the journal was changed.
        </p>
      )}
      <ol class="events">
        {run.items.map((record) => (
          <Record key={record.sequence} record={record} />
        ))}
      </ol>
      <p class="end">{run.end}</p>
    </section>
  );
}

function Record({ record }: { record: HistoryRecord }) {
  const facts = record.facts as { fact: string; step?: string; value?: unknown }[];
  return (
    <li class={'event by-' + record.cause.kind} id={'record-' + record.sequence}>
      <div class="event-head">
        <time dateTime={record.time} title={record.time}>
          {clock(record.time)}
        </time>
        <span class="gap">{record.gapMs !== undefined ? '+' + duration(record.gapMs) : ''}</span>
        <span class="words">{record.words}</span>
      </div>
      {record.says.length > 0 && (
        <ul class="says">
          {record.says.filter(Boolean).map((words, i) => (
            <li key={i}>{words}</li>
          ))}
        </ul>
      )}
      <Body name="body" value={record.cause.body} />
      {facts.map(
        (fact, i) =>
          fact.value !== undefined && (
            <Body key={i} name={`${fact.fact} ${fact.step ?? ''}`} value={fact.value} />
          ),
      )}
      <p class="position">
        {record.position}, record {record.sequence}, <Time time={record.time} />
      </p>
    </li>
  );
}
