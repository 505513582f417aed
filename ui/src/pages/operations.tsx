// What operators did, in one list.
import { useEffect, useState } from 'preact/hooks';
import { filtersOf, pagesOf, type Filters as FiltersOf } from '../api/pages';
import type { Operation, OperationPage } from '../api/types';
import {
  Heading,
  Loading,
  SagaLink,
  Table,
  Time,
  Trouble,
  VersionLink,
  Warnings,
} from '../components/basics';
import { localTime, moment, plural } from '../format';
import { useAnswer, useNow } from '../hooks';
import { go, href } from '../router';

const PAGE = 50;
const EVERY_MS = 5000;
const PORTIONS = 10;

const verbs = [
  ...['cancel', 'retry', 'skip', 'resolve', 'pause', 'resume', 'forget'],
  ...['stop', 'deploy', 'resend', 'drop'],
];
const filterNames = [
  'who',
  'verb',
  'saga',
  'definition',
  'version',
  'job',
  'since',
  'until',
] as const;
type Filters = FiltersOf<(typeof filterNames)[number]>;

export function OperationsPage({ query }: { query: URLSearchParams }) {
  const filters = filtersOf(filterNames, query);
  const key = JSON.stringify(filters);
  const [pages, setPages] = useState({ key, wanted: 1 });
  const wanted = pages.key === key ? pages.wanted : 1;
  const asked = { path: '/operations', filters, limit: PAGE, portions: PORTIONS };
  const list = useAnswer(
    `operations ${key} ${wanted}`,
    (signal) => pagesOf<OperationPage>(asked, wanted, signal),
    // of a job's sagas the journals tell, which are not read again and again
    filters.job ? {} : { every: EVERY_MS, live: true },
  );
  const [shown, setShown] = useState<OperationPage>();
  useEffect(() => list.data && setShown(list.data), [list.data]);
  useEffect(() => setShown(undefined), [key]);
  const page = list.data ?? shown;
  return (
    <>
      <Heading title="Operations" />
      <p class="quiet">
        What operators said to sagas, jobs, deploys, and what was done about dead letters: who, from
        where, why, and what became of it. What a job says to each saga is told as the job.
      </p>
      <Choices key={key} filters={filters} />
      <Trouble problem={list.problem} retry={list.reload} />
      <Warnings warnings={page?.warnings} />
      {!page && list.loading && <Loading what="the log" />}
      {page && <Rows items={page.items} filters={filters} />}
      {page?.next && (
        <p>
          <button type="button" onClick={() => setPages({ key, wanted: wanted + 1 })}>
            Show more
          </button>
        </p>
      )}
      {page && !page.whole && <Known page={page} />}
    </>
  );
}

// What the list cannot know, so that nobody takes it for all.
function Known({ page }: { page: OperationPage }) {
  return (
    <p class="quiet">
      {page.since
        ? `What was said to sagas before ${moment(page.since)} is not in the log of every lane.`
        : 'It is not known from when on the log has what was said to sagas.'}{' '}
      It stands in the sagas' histories.
    </p>
  );
}

function address(filters: Filters): string {
  return href(['operations'], filters);
}

// A saga's id has a slash in it, a definition's name has none, and may have its version behind it.
function Choices({ filters }: { filters: Filters }) {
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? '').trim() || undefined;
    const time = (name: string) => (text(name) ? new Date(text(name)!).toISOString() : undefined);
    const about = text('about');
    const [definition, version] = about?.includes('/') ? [] : (about?.split(/@(.*)/) ?? []);
    go(
      address({
        who: text('who'),
        verb: text('verb'),
        job: text('job'),
        saga: about?.includes('/') ? about : undefined,
        definition,
        version,
        since: time('since'),
        until: time('until'),
      }),
    );
  };
  const { who, verb, saga, definition = '', version, job, since, until } = filters;
  const about = saga ?? (version ? `${definition}@${version}` : definition);
  const used = [who, verb, about, job && `job ${job}`, since, until].filter(Boolean);
  return (
    <details class="filters" open={used.length > 0}>
      <summary>Filters{used.length ? `: ${used.join(', ')}` : ''}</summary>
      <form onSubmit={submit}>
        <label class="field">
          <span>Who</span>
          <input name="who" defaultValue={filters.who} />
        </label>
        <label class="field">
          <span>Said</span>
          <select name="verb">
            <option value="">anything</option>
            {verbs.map((verb) => (
              <option key={verb} value={verb} selected={verb === filters.verb}>
                {verb}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>To a saga, or of a definition</span>
          <input name="about" defaultValue={about} />
        </label>
        <label class="field">
          <span>By a job</span>
          <input
            name="job"
            pattern="[a-z0-9][a-z0-9\-]*"
            maxLength={64}
            autocomplete="off"
            spellcheck={false}
            defaultValue={job}
          />
        </label>
        <label class="field">
          <span>Since</span>
          <input name="since" type="datetime-local" defaultValue={localTime(filters.since)} />
        </label>
        <label class="field">
          <span>Before</span>
          <input name="until" type="datetime-local" defaultValue={localTime(filters.until)} />
        </label>
        <button type="submit">Show</button>
        {used.length > 0 && <a href={address({})}>Show all</a>}
      </form>
    </details>
  );
}

function Rows({ items, filters }: { items: Operation[]; filters: Filters }) {
  const now = useNow(5000);
  return (
    <Table
      caption="What operators did, the newest first"
      columns={['When', 'Who', 'Said', 'To', 'Outcome', 'Reason']}
      empty={items.length ? undefined : 'There is nothing like that.'}
    >
      {items.map((item, index) => (
        <tr
          key={`${item.time} ${item.verb} ${item.saga ?? item.job ?? item.offset ?? index} ${item.reason}`}
        >
          <td data-column="When" class="when">
            <Time time={item.time} now={now} />
          </td>
          <td data-column="Who">
            {item.who ? (
              <a class="whole" href={address({ ...filters, who: item.who })}>
                {item.who}
              </a>
            ) : (
              <span class="quiet">not known</span>
            )}
            {item.from && <span class="note whole">{item.from}</span>}
          </td>
          <th scope="row" data-column="Said">
            {item.verb}
            {item.as && ` as ${item.as}`}
          </th>
          <td data-column="To">
            <Subject item={item} />
          </td>
          <td data-column="Outcome">
            <Outcome item={item} />
          </td>
          <td data-column="Reason">{item.reason}</td>
        </tr>
      ))}
    </Table>
  );
}

function Subject({ item }: { item: Operation }) {
  if (item.saga) return <SagaLink id={item.saga} />;
  if (item.job)
    return (
      <>
        <a href={href(['jobs', item.job])}>job {item.job}</a>
        <span class="note">
          <code>{item.where}</code>
        </span>
      </>
    );
  if (item.on === 'definition' && item.definition)
    return (
      <>
        {item.definition} <VersionLink name={item.definition} version={item.version ?? 0} />
      </>
    );
  return (
    <a href={href(['dead-letters', String(item.partition), String(item.offset)])}>
      dead letter {item.partition}/{item.offset}
    </a>
  );
}

// Words of outcomes have the colours of the sagas' that are like them.
const looks: Record<string, string> = {
  done: 'completed',
  refused: 'stuck',
  failed: 'stuck',
  running: 'running',
};

function Outcome({ item }: { item: Operation }) {
  return (
    <>
      <span class="statuses">
        <span class={'status ' + (looks[item.outcome] ?? '')}>{item.outcome}</span>
      </span>
      {item.on === 'job' && item.verb !== 'stop' && (
        <span class="note">{plural(item.sent ?? 0, 'saga')}</span>
      )}
      {item.words && <span class="note">{item.words}</span>}
    </>
  );
}
