// Records that could not be read, and what was done about them.
import { useEffect, useState } from 'preact/hooks';
import { pagesOf } from '../api/pages';
import type { LetterPage } from '../api/types';
import { Heading, Loading, SagaLink, Table, Time, Trouble } from '../components/basics';
import { bytes } from '../format';
import { useAnswer, useNow } from '../hooks';
import { href, go } from '../router';

const PAGE = 50;
const EVERY_MS = 10_000;

const choices: [string, string | undefined][] = [
  ['all', undefined],
  ['not handled', 'false'],
  ['handled', 'true'],
];

export function DeadLettersPage({ query }: { query: URLSearchParams }) {
  const handled = query.get('handled') ?? undefined;
  const reason = query.get('reason') ?? undefined;
  const key = `${handled} ${reason}`;
  const [page, setPage] = useState({ key, wanted: 1 });
  const wanted = page.key === key ? page.wanted : 1;
  const asked = { path: '/dead-letters', filters: { handled, reason }, limit: PAGE, portions: 1 };
  const list = useAnswer(
    `letters ${key} ${wanted}`,
    (signal) => pagesOf<LetterPage>(asked, wanted, signal),
    { every: EVERY_MS },
  );
  const [shown, setShown] = useState<LetterPage>();
  useEffect(() => list.data && setShown(list.data), [list.data]);
  useEffect(() => setShown(undefined), [key]);
  const letters = list.data ?? shown;
  return (
    <>
      <Heading title="Dead letters" />
      <p class="quiet">
        Records that could not be read, that were too large, or that belong to no saga. They never
        stop what comes behind them.
      </p>
      <nav class="chips" aria-label="Handled or not">
        {choices.map(([name, value]) => (
          <a
            key={name}
            class="chip"
            href={href(['dead-letters'], { handled: value, reason })}
            aria-current={handled === value ? 'true' : undefined}
          >
            {name}
          </a>
        ))}
        {reason && (
          <button
            type="button"
            class="chip"
            onClick={() => go(href(['dead-letters'], { handled }))}
          >
            {reason} <span aria-hidden="true">×</span>
            <span class="visually-hidden">, show all reasons</span>
          </button>
        )}
      </nav>
      <Trouble problem={list.problem} retry={list.reload} />
      {!letters && list.loading && <Loading what="the dead letters" />}
      {letters && <Letters page={letters} handled={handled} />}
      {letters?.next && (
        <p>
          <button type="button" onClick={() => setPage({ key, wanted: wanted + 1 })}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}

function Letters({ page, handled }: { page: LetterPage; handled: string | undefined }) {
  const now = useNow(5000);
  return (
    <Table
      caption="Dead letters, the newest first"
      columns={['Letter', 'Reason', 'Saga', 'From', 'Size', 'When', 'Handled']}
      numbers={['Size']}
      empty={page.items.length ? undefined : 'There are none.'}
    >
      {page.items.map((letter) => (
        <tr key={`${letter.partition}/${letter.offset}`}>
          <th scope="row">
            <a href={href(['dead-letters', String(letter.partition), String(letter.offset)])}>
              {letter.partition}/{letter.offset}
            </a>
          </th>
          <td data-column="Reason">
            <a href={href(['dead-letters'], { handled, reason: letter.reason })}>{letter.reason}</a>
            {letter.message && <span class="note">{letter.message}</span>}
          </td>
          <td data-column="Saga">
            {letter.saga &&
              (letter.saga.includes('/') ? <SagaLink id={letter.saga} /> : letter.saga)}
          </td>
          <td data-column="From">
            <span class="whole">
              {letter.sourceTopic}[{letter.sourcePartition}]@{letter.sourceOffset}
            </span>
          </td>
          <td data-column="Size" class="number">
            {bytes(letter.size)}
          </td>
          <td data-column="When" class="when">
            <Time time={letter.time} now={now} />
          </td>
          <td data-column="Handled">
            {letter.handled && `${letter.handled.how} by ${letter.handled.who}`}
          </td>
        </tr>
      ))}
    </Table>
  );
}
