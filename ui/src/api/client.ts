// Requests to the coordinator: the token goes along, and what went wrong comes back as words.
import { parseExact } from './exact';

const TOKEN = 'saga-token';

// As RFC 9457 has it, with what the coordinator adds.
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly mend: string,
    readonly body: unknown,
  ) {
    super(detail || title);
  }
}

// Lasts as long as the tab: it is neither in a cookie nor in an address.
export function token(): string | null {
  return sessionStorage.getItem(TOKEN);
}

const signInListeners = new Set<(needed: boolean) => void>();

export function setToken(value: string | null): void {
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.clear(); // who comes next finds nothing of who goes
  signInListeners.forEach((tell) => tell(!value));
}

// `tell(true)`: the server asks for a token, or for another one.
export function onSignIn(tell: (needed: boolean) => void): () => void {
  signInListeners.add(tell);
  return () => signInListeners.delete(tell);
}

export type Query = Record<string, string | number | boolean | undefined | null>;

export interface RequestOptions {
  query?: Query;
  json?: unknown;
  text?: string; // JSON as it is to be sent
  yaml?: string;
  accept?: string;
  signal?: AbortSignal;
  safe?: boolean; // it changes nothing, as a GET
}

export function apiAddress(path: string, query?: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  const text = search.toString();
  return './api/v1' + path + (text ? '?' + text : '');
}

export async function open(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Response> {
  const headers: Record<string, string> = {
    Accept: options.accept ?? 'application/json, application/problem+json',
  };
  const bearer = token();
  let body: string | undefined;
  if (bearer) headers.Authorization = 'Bearer ' + bearer;
  if (options.json !== undefined || options.text !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = options.text ?? JSON.stringify(options.json);
  } else if (options.yaml !== undefined) {
    headers['Content-Type'] = 'application/yaml';
    body = options.yaml;
  }
  if (path.split('/').some((segment) => segment === '.' || segment === '..'))
    throw new Problem(
      0,
      'This cannot be asked for',
      'browsers take . and .. in an address for something else',
      'The command line can: saga show.',
      null,
    );
  let answer: Response;
  try {
    answer = await fetch(apiAddress(path, options.query), {
      method,
      headers,
      body,
      signal: options.signal,
      credentials: 'omit',
      cache: 'no-store',
    });
  } catch (error) {
    if (options.signal?.aborted && !isLate(options.signal)) throw error;
    throw new Problem(
      0,
      'The coordinator does not answer',
      '',
      method === 'GET' || options.safe
        ? 'It is asked again by itself.'
        : 'Whether it was done is not known: look before you try again.',
      null,
    );
  }
  if (answer.status === 401) signInListeners.forEach((tell) => tell(true));
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

const isLate = ({ reason }: AbortSignal): boolean =>
  reason instanceof DOMException && reason.name === 'TimeoutError';

async function problemOf(answer: Response): Promise<Problem> {
  const body: Record<string, unknown> = await answer.json().catch(() => ({}));
  const text = (name: string) => (typeof body[name] === 'string' ? (body[name] as string) : '');
  return new Problem(
    answer.status,
    text('title') || `Answer ${answer.status}`,
    text('detail'),
    text('mend'),
    body,
  );
}

export async function request<T>(
  method: string,
  path: string,
  options?: RequestOptions,
): Promise<T> {
  const answer = await open(method, path, options);
  return (answer.status === 204 ? undefined : parseExact(await answer.text())) as T;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  request<T>('GET', path, { query, signal });

// A part of a path, from a name or a key that may hold any character.
export const part = encodeURIComponent;
