// What is deployed.
import { get } from '../api/client';
import { open, type Counts, type DefinitionPage, type DefinitionRow } from '../api/types';
import { Heading, Loading, Table, Time, Trouble } from '../components/basics';
import { count } from '../format';
import { useAnswer, useNow } from '../hooks';
import { useMay } from '../me';
import { href } from '../router';

const PAGE = 1000;
const EVERY_MS = 10_000;

async function all(signal: AbortSignal): Promise<DefinitionRow[]> {
  const rows: DefinitionRow[] = [];
  let cursor: string | undefined;
  do {
    const page: DefinitionPage = await get<DefinitionPage>(
      '/definitions',
      { limit: PAGE, cursor },
      signal,
    );
    rows.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor);
  return rows;
}

export function DefinitionsPage() {
  const now = useNow(5000);
  const list = useAnswer('definitions', all, { every: EVERY_MS });
  const counts = useAnswer('counts', (signal) => get<Counts>('/counts', undefined, signal), {
    every: EVERY_MS,
  });
  const may = useMay('deployer');
  const names = [...new Set((list.data ?? []).map((row) => row.name))].sort();
  const openOf = (name: string) =>
    (counts.data?.items ?? [])
      .filter((c) => c.definition === name && open.includes(c.status))
      .reduce((n, c) => n + c.count, 0);
  return (
    <>
      <Heading title="Definitions">
        {may && (
          <a class="button" href={href(['definitions', 'new'])}>
            Write a new one
          </a>
        )}
      </Heading>
      <Trouble problem={list.problem} />
      {!list.data && list.loading && <Loading what="the definitions" />}
      {list.data && (
        <Table
          caption="Definitions, each with its versions"
          columns={['Name', 'What it does', 'Versions', 'Deployed', 'Open']}
          numbers={['Open']}
          empty={names.length ? undefined : 'Nothing is deployed yet.'}
        >
          {names.map((name) => {
            const versions = list
              .data!.filter((row) => row.name === name)
              .sort((a, b) => b.version - a.version);
            const newest = versions[0]!;
            return (
              <tr key={name}>
                <th scope="row">
                  <a href={href(['definitions', name])}>{name}</a>
                </th>
                <td data-column="What it does">{newest.summary}</td>
                <td data-column="Versions">
                  {versions.map((row) => (
                    <a
                      key={row.version}
                      class="version"
                      href={href(['definitions', name, String(row.version)])}
                      aria-label={`${name} version ${row.version}`}
                    >
                      {row.version}
                    </a>
                  ))}
                </td>
                <td data-column="Deployed" class="when">
                  <Time time={newest.deployed} now={now} />
                </td>
                <td data-column="Open" class="number">
                  <a href={href(['sagas'], { definition: name })}>{count(openOf(name))}</a>
                </td>
              </tr>
            );
          })}
        </Table>
      )}
    </>
  );
}
