// Which sagas there are: looked for, filtered, and filters kept by name.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import { filtersOf, pagesOf, type Filters as FiltersOf } from '../api/pages';
import { statuses, type Counts, type SagaPage, type SagaRow, type SagaStatus } from '../api/types';
import {
  Heading,
  Loading,
  SagaLink,
  Status,
  Table,
  Time,
  Trouble,
  VersionLink,
  Warnings,
} from '../components/basics';
import { SavedFilters } from '../components/saved-filters';
import { count, localTime } from '../format';
import { useAnswer, useNow } from '../hooks';
import { useMay } from '../me';
import { go, href, sagaHref } from '../router';
import { whereOf } from '../where';

const PAGE = 50;
const EVERY_MS = 5000;
const PORTIONS = 20;

const filterNames = [
  'definition',
  'status',
  'search',
  'version',
  'step',
  'error',
  'since',
  'until',
] as const;
type Filters = FiltersOf<(typeof filterNames)[number]>;

export function SagasPage({ query }: { query: URLSearchParams }) {
  const filters = filtersOf(filterNames, query);
  const key = JSON.stringify(filters);
  const [pages, setPages] = useState({ key, wanted: 1 });
  const wanted = pages.key === key ? pages.wanted : 1;
  const asked = { path: '/sagas', filters, limit: PAGE, portions: PORTIONS };
  const list = useAnswer(
    `sagas ${key} ${wanted}`,
    (signal) => pagesOf<SagaPage>(asked, wanted, signal, (row) => row.id),
    { every: EVERY_MS, live: true },
  );
  const counts = useAnswer(
    `counts ${filters.search ?? ''}`,
    (signal) => get<Counts>('/counts', { search: filters.search }, signal),
    { every: EVERY_MS, live: true },
  );
  const [shown, setShown] = useState<SagaPage>();
  useEffect(() => list.data && setShown(list.data), [list.data]);
  useEffect(() => setShown(undefined), [key]);
  const rows = list.data ?? shown;
  const may = useMay('operator');
  const where = whereOf(filters);

  return (
    <>
      <Heading title="Sagas">
        {may && (
          <>
            {where && (
              <a class="button" href={href(['jobs', 'new'], { where })}>
                Say something to all of these
              </a>
            )}
            <a class="button" href={href(['sagas', 'start'], { definition: filters.definition })}>
              Start one
            </a>
          </>
        )}
      </Heading>
      <Search filters={filters} />
      <StatusChoice filters={filters} counts={counts.data} />
      <MoreFilters key={key} filters={filters} counts={counts.data} />
      <SavedFilters filters={filters as Record<string, string>} />
      <Trouble problem={list.problem} />
      <Warnings warnings={rows?.warnings} />
      {rows ? (
        <Rows rows={rows.items} filters={filters} />
      ) : (
        list.loading && <Loading what="the list" />
      )}
      {rows?.next && (
        <p>
          <button
            type="button"
            onClick={() => setPages({ key, wanted: wanted + 1 })}
            disabled={list.loading && !list.data}
          >
            Show more
          </button>
        </p>
      )}
    </>
  );
}

function address(filters: Filters): string {
  return href(['sagas'], filters);
}

// One field for what people have at hand: an id, a value to be found by, or words of an error.
function Search({ filters }: { filters: Filters }) {
  const [text, setText] = useState(filters.search ?? filters.error ?? '');
  useEffect(() => setText(filters.search ?? filters.error ?? ''), [filters.search, filters.error]);
  const submit = (event: Event) => {
    event.preventDefault();
    const words = text.trim();
    if (/^[a-z0-9][a-z0-9-]*\/./.test(words)) go(sagaHref(words));
    else if (/^[^:\s]+:./.test(words)) go(address({ ...filters, search: words, error: undefined }));
    else go(address({ ...filters, error: words || undefined, search: undefined }));
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <label>
        <span class="visually-hidden">Find sagas</span>
        <input
          type="search"
          name="find"
          placeholder="order-fulfilment/o-4711, customer:c-17, or words of an error"
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
        />
      </label>
      <button type="submit">Find</button>
    </form>
  );
}

function StatusChoice({ filters, counts }: { filters: Filters; counts: Counts | undefined }) {
  const of = (status?: SagaStatus) =>
    (counts?.items ?? [])
      .filter(
        (c) =>
          (!status || c.status === status) &&
          (!filters.definition || c.definition === filters.definition),
      )
      .reduce((sum, c) => sum + c.count, 0);
  const choices: [string, SagaStatus | undefined][] = [
    ['all', undefined],
    ...statuses.map((s): [string, SagaStatus] => [s, s]),
  ];
  return (
    <nav class="chips" aria-label="Status">
      {choices.map(([name, status]) => (
        <a
          key={name}
          class={'chip ' + name}
          href={address({ ...filters, status })}
          aria-current={filters.status === status ? 'true' : undefined}
        >
          {name} <span class="chip-count">{counts ? count(of(status)) : ''}</span>
        </a>
      ))}
    </nav>
  );
}

function MoreFilters({ filters, counts }: { filters: Filters; counts: Counts | undefined }) {
  const names = [
    ...new Set([...(counts?.items ?? []).map((c) => c.definition), filters.definition ?? '']),
  ]
    .filter(Boolean)
    .sort();
  const used = (['definition', 'version', 'step', 'since', 'until'] as const).filter(
    (name) => filters[name],
  );
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? '').trim() || undefined;
    const time = (name: string) => (text(name) ? new Date(text(name)!).toISOString() : undefined);
    go(
      address({
        ...filters,
        definition: text('definition'),
        version: text('version'),
        step: text('step'),
        since: time('since'),
        until: time('until'),
      }),
    );
  };
  return (
    <details class="filters" open={used.length > 0}>
      <summary>
        More filters{used.length ? `: ${used.map((name) => filters[name]).join(', ')}` : ''}
      </summary>
      <form onSubmit={submit}>
        <label class="field">
          <span>Definition</span>
          <select name="definition">
            <option value="">all</option>
            {names.map((name) => (
              <option key={name} value={name} selected={name === filters.definition}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Version</span>
          <input name="version" type="number" min="1" defaultValue={filters.version} />
        </label>
        <label class="field">
          <span>At step</span>
          <input name="step" pattern="[a-z0-9][a-z0-9\-]*" defaultValue={filters.step} />
        </label>
        <label class="field">
          <span>Changed since</span>
          <input name="since" type="datetime-local" defaultValue={localTime(filters.since)} />
        </label>
        <label class="field">
          <span>Changed before</span>
          <input name="until" type="datetime-local" defaultValue={localTime(filters.until)} />
        </label>
        <div class="buttons">
          <button type="submit">Apply</button>
          <a class="button" href={href(['sagas'])}>
            Clear all
          </a>
        </div>
      </form>
    </details>
  );
}

function Rows({ rows, filters }: { rows: SagaRow[]; filters: Filters }) {
  const now = useNow();
  const filtered = Object.keys(filters).length > 0;
  return (
    <Table
      caption="Sagas, those first whose status changed last"
      columns={['Saga', 'Status', 'At', 'Trouble', 'Changed', 'Version']}
      empty={
        rows.length ? undefined : filtered ? 'No saga is like that.' : 'There are no sagas yet.'
      }
    >
      {rows.map((row) => (
        <tr key={row.id}>
          <th scope="row">
            <SagaLink id={row.id} />
          </th>
          <td data-column="Status">
            <Status status={row.status} paused={row.paused} />
          </td>
          <td data-column="At">{row.at}</td>
          <td data-column="Trouble">
            {row.error && (
              <>
                {row.error.step && <span class="quiet">{row.error.step}: </span>}
                {[row.error.type, row.error.message].filter(Boolean).join(': ')}
              </>
            )}
          </td>
          <td data-column="Changed" class="when">
            <Time time={row.changed} now={now} />
          </td>
          <td data-column="Version">
            <VersionLink name={row.definition} version={row.version} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
