// Filters by name, kept in this browser.
import { useState } from 'preact/hooks';
import { href } from '../router';
import { say } from './said';

const NAME = 'saga-filters';
const MAX = 50;

interface Saved {
  name: string;
  filters: Record<string, string>;
}

// Whatever stands there was written by an earlier version, or by hand.
function read(): Saved[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(NAME) ?? '[]');
    return Array.isArray(value)
      ? value.filter(
          (s) =>
            typeof s?.name === 'string' && typeof s?.filters === 'object' && s.filters !== null,
        )
      : [];
  } catch {
    return [];
  }
}

const same = (a: Record<string, string>, b: Record<string, string>) => href([], a) === href([], b);

export function SavedFilters({ filters }: { filters: Record<string, string> }) {
  const [saved, setSaved] = useState(read);
  const keep = (list: Saved[]) => {
    localStorage.setItem(NAME, JSON.stringify(list));
    setSaved(list);
  };
  const current = saved.find((s) => same(s.filters, filters));
  const any = Object.keys(filters).length > 0;
  const save = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const name = String(new FormData(form).get('name') ?? '').trim();
    if (!name) return;
    keep([...saved.filter((s) => s.name !== name), { name, filters }].slice(-MAX));
    form.reset();
    say(`The filter is kept as ${name}`);
  };
  if (!any && saved.length === 0) return null;
  return (
    <div class="saved">
      {saved.length > 0 && (
        <ul aria-label="Saved filters">
          {saved.map((s) => (
            <li key={s.name}>
              <a
                class="chip"
                href={href(['sagas'], s.filters)}
                aria-current={s === current ? 'true' : undefined}
              >
                {s.name}
              </a>
              <button
                type="button"
                class="small quiet-button"
                aria-label={`Forget the filter ${s.name}`}
                onClick={() => keep(saved.filter((o) => o !== s))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {any && !current && (
        <form onSubmit={save}>
          <label>
            <span class="visually-hidden">Name for this filter</span>
            <input name="name" maxLength={40} placeholder="name for this filter" required />
          </label>
          <button type="submit" class="small">
            Save filter
          </button>
        </form>
      )}
    </div>
  );
}
