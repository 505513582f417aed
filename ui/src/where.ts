// The filters of the list as the words of one filter (coordinator/BULK.md).

export function quoted(value: string): string {
  return /^[^\s"\\]+$/.test(value) ? value : '"' + value.replace(/["\\]/g, '\\$&') + '"';
}

const tests: Record<string, string> = {
  definition: 'definition=',
  version: 'version=',
  status: 'status=',
  step: 'step=',
  error: 'error~',
  since: 'changed>=',
  until: 'changed<',
};

export function whereOf(filters: Record<string, string | undefined>): string {
  const words = Object.entries(tests).flatMap(([name, test]) =>
    filters[name] ? [test + quoted(filters[name])] : [],
  );
  const search = filters.search;
  const colon = search?.indexOf(':') ?? -1;
  if (search && colon > 0)
    words.push(`search.${search.slice(0, colon)}=${quoted(search.slice(colon + 1))}`);
  return words.join(' ');
}
