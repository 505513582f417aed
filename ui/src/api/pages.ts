// Lists that come in pages, by cursor.
import { get } from './client';

interface Page {
  items: unknown[];
  next?: string | null;
}

export type Filters<Name extends string> = Partial<Record<Name, string>>;

// Of an address, what is among the names.
export function filtersOf<Name extends string>(
  names: readonly Name[],
  query: URLSearchParams,
): Filters<Name> {
  const filters: Filters<Name> = {};
  for (const name of names) {
    const value = query.get(name);
    if (value) filters[name] = value;
  }
  return filters;
}

export interface Asked {
  path: string;
  filters: Record<string, string | undefined>;
  limit: number;
  // A filter that hits little is looked through in portions; so many are asked for until there is
  // something to show.
  portions: number;
}

async function portion<All extends Page>(
  { path, filters, limit, portions }: Asked,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<All> {
  const items: All['items'] = [];
  let page: All;
  let asked = 0;
  do {
    page = await get<All>(path, { ...filters, limit, cursor }, signal);
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (items.length === 0 && cursor && ++asked < portions);
  return { ...page, items };
}

const LIMIT_MAX = 1000; // the API's

// The first `wanted` pages as one, by as few requests as can be, with what the last of them says. With `idOf`,
// what moved on between two requests, so that it is in both, is there once.
export async function pagesOf<All extends Page>(
  asked: Asked,
  wanted: number,
  signal: AbortSignal,
  idOf?: (item: All['items'][number]) => unknown,
): Promise<All> {
  const rows = wanted * asked.limit;
  const ask = (known: number, cursor?: string) =>
    portion<All>({ ...asked, limit: Math.min(rows - known, LIMIT_MAX) }, cursor, signal);
  let all = await ask(0);
  for (let i = 1; i < wanted && all.next && all.items.length < rows; i++) {
    const more = await ask(all.items.length, all.next);
    const known = new Set(idOf && all.items.map(idOf));
    const news = idOf ? more.items.filter((item) => !known.has(idOf(item))) : more.items;
    all = { ...more, items: [...all.items, ...news] };
  }
  return all;
}
