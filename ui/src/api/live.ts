// Changes as the server tells them (Server-Sent Events). Read by `fetch`, as an EventSource cannot
// send a token.
import { onSignIn, open, Problem } from './client';

export type Liveness = 'off' | 'connecting' | 'live';

type Told = () => void;
const waiting = new Map<Told, string | true>();
const unanswered = new Set<object>();
const watchers = new Set<(liveness: Liveness) => void>();
let liveness: Liveness = 'off';
let running = false;

// A page that asks because something changed asks again so much later at least, and rests so many times as
// long as the answer took: however fast things change, it never keeps the server busy all the time.
const LEAST_MS = 100;
const RESTS = 2;
const REST_MS_MAX = 2000;
const RETRY_MS = 3000;
const SETTLE_MS = 100;
// The server gives a sign of life every 15 s: where there is none the connection is dead, whatever the browser thinks.
const SILENT_MS = 40_000;

// `ask` is called when that saga (true: any) has changed, and not again before it is through. Gives back how
// to stop.
export function onChange(saga: string | true, ask: () => Promise<void>): () => void {
  const calm = calmed(ask);
  waiting.set(calm.tell, saga);
  follow();
  return () => {
    calm.stop();
    waiting.delete(calm.tell);
    follow();
  };
}

export function onLiveness(tell: (liveness: Liveness) => void): () => void {
  watchers.add(tell);
  tell(shown());
  return () => watchers.delete(tell);
}

// While Redis is away the stream goes on, and brings nothing; while the coordinator is, nobody may have told the browser. `who`: one that asks for what is shown
// there; in the end it says that it can.
export function answered(who: object, could: boolean): void {
  if (could) unanswered.delete(who);
  else unanswered.add(who);
  set(liveness);
}

const shown = (): Liveness => (liveness === 'live' && unanswered.size ? 'off' : liveness);

function set(now: Liveness): void {
  liveness = now;
  watchers.forEach((tell) => tell(shown()));
}

// The first change is asked for at once; those that come meanwhile are one.
export function calmed(ask: () => Promise<void>): { tell: Told; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let told = false; // something has changed since it was asked
  let earliest = 0;
  let stopped = false;
  const plan = () => {
    timer = setTimeout(() => void run(), Math.max(earliest - Date.now(), 0));
  };
  const run = async () => {
    timer = undefined;
    asking = true;
    told = false;
    const began = Date.now();
    await ask();
    const ended = Date.now();
    asking = false;
    earliest = Math.max(began + LEAST_MS, ended + Math.min(RESTS * (ended - began), REST_MS_MAX));
    if (told && !stopped) plan();
  };
  return {
    tell() {
      told = true;
      if (!asking && !timer) plan();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

export function startListening(): void {
  if (running) return;
  running = true;
  onSignIn(() => stopped.abort()); // another visitor: another stream
  // nothing is asked for while nobody looks
  document.addEventListener('visibilitychange', () => waiting.forEach((_, tell) => tell()));
  void listen();
}

let stopped = new AbortController();
let followed: string | undefined; // the saga that the stream is of; undefined: of all

// One stream for all that is shown: of one saga, where nothing else is, as only then the server
// tells all of its steps.
function wanted(): string | undefined {
  const sagas = new Set(waiting.values());
  const [first] = sagas;
  return sagas.size === 1 && first !== true ? first : undefined;
}

// Once what is shown has settled: a page that goes and one that comes are one change.
function follow(): void {
  clearTimeout(settling);
  settling = setTimeout(() => wanted() !== followed && stopped.abort(), SETTLE_MS);
}
let settling: ReturnType<typeof setTimeout> | undefined;

async function listen(): Promise<void> {
  for (;;) {
    stopped = new AbortController();
    followed = wanted();
    if (liveness === 'off') set('connecting');
    let refused = false;
    try {
      const answer = await open('GET', '/events', {
        query: { saga: followed },
        accept: 'text/event-stream, application/problem+json',
        signal: stopped.signal,
      });
      set('live');
      waiting.forEach((_, tell) => tell()); // what changed while nobody listened
      await read(answer);
    } catch (error) {
      refused = error instanceof Problem && error.status === 401;
    }
    if (refused) {
      set('off');
      await signedIn();
    } else if (!stopped.signal.aborted) {
      set('off');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

// A token that was refused is not tried again.
function signedIn(): Promise<void> {
  return new Promise((resolve) => {
    const stop = onSignIn((needed) => {
      if (needed) return;
      stop();
      resolve();
    });
  });
}

async function read(answer: Response): Promise<void> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const silent = setTimeout(() => {
      set('off');
      stopped.abort();
    }, SILENT_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(silent));
    if (done) return;
    const events = (text + value.replace(/\r\n?/g, '\n')).split('\n\n');
    text = events.pop()!;
    events.forEach(take);
  }
}

// What names a saga is of that saga; what does not (`lanes`) may be of any.
function take(event: string): void {
  const data = event
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n');
  if (!data) return; // a sign of life
  let id: unknown;
  try {
    id = (JSON.parse(data) as { saga?: unknown }).saga;
  } catch {
    return;
  }
  waiting.forEach((saga, tell) => (saga === true || id === undefined || saga === id) && tell());
}
