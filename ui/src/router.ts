// Addresses are behind the `#`: the server knows one page only, and a saga's key may hold any
// character.
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  path: string[]; // decoded
  query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const [path = '', query = ''] = text.split('?', 2);
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

// An address that somebody typed may hold a `%` that begins nothing.
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function href(path: string[], query?: Record<string, string | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value) search.set(name, value);
  const text = search.toString();
  return '#/' + path.map(encodeURIComponent).join('/') + (text ? '?' + text : '');
}

export function sagaHref(id: string): string {
  const { definition, key } = splitSagaId(id);
  return href(['sagas', definition, key]);
}

// A definition's name holds no slash; a key may.
export function splitSagaId(id: string): { definition: string; key: string } {
  const slash = id.indexOf('/');
  return slash < 0
    ? { definition: id, key: '' }
    : { definition: id.slice(0, slash), key: id.slice(slash + 1) };
}

export function go(address: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', address);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = address;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
