import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from './api/client';
import { answered, onChange } from './api/live';

export interface Answer<T> {
  data: T | undefined; // the last one that came, also while the next is asked for
  problem: Problem | undefined;
  loading: boolean;
  reload: () => void;
}

interface Every {
  every?: number; // ms; 0: once
  live?: string | true; // asked again when this saga (true: any) changes
}

const AGAIN_MS = 3000;
const LATE_MS = 60_000; // what has not come by then does not come: the connection may be dead

// Nobody answered, or somebody who could not just then: it is worth to be asked again.
const isForNow = ({ status }: Problem): boolean => status === 0 || status === 503;

// What is shown is not what is.
const isAway = ({ status, body }: Problem): boolean =>
  status === 0 || (body as { type?: unknown } | null)?.type === 'urn:saga:problem:redis';

// Asks when `key` changes, again after `every`, and when something changes; not while nobody looks.
export function useAnswer<T>(
  key: string,
  ask: (signal: AbortSignal) => Promise<T>,
  { every = 0, live }: Every = {},
): Answer<T> {
  const [state, setState] = useState<{
    key: string;
    data?: T;
    problem?: Problem;
    loading: boolean;
  }>({
    key,
    loading: true,
  });
  const asking = useRef(ask);
  const again = useRef<() => void>(() => {});
  asking.current = ask;

  useEffect(() => {
    let abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const who = {};
    let last = Promise.resolve();

    const load = async () => {
      abort.abort();
      clearTimeout(timer);
      const mine = (abort = new AbortController());
      setState((old) => (old.key === key ? { ...old, loading: true } : { key, loading: true }));
      let next = every;
      try {
        const late = AbortSignal.timeout(LATE_MS);
        const data = await asking.current(AbortSignal.any([mine.signal, late]));
        if (mine.signal.aborted) return;
        answered(who, true);
        setState({ key, data, loading: false });
      } catch (error) {
        if (mine.signal.aborted) return;
        const problem =
          error instanceof Problem ? error : new Problem(0, String(error), '', '', null);
        if (isForNow(problem)) next = next ? Math.min(next, AGAIN_MS) : AGAIN_MS;
        answered(who, !isAway(problem));
        setState((old) => ({
          key,
          data: old.key === key ? old.data : undefined,
          problem,
          loading: false,
        }));
      }
      if (!ended && !mine.signal.aborted && next) timer = setTimeout(wake, next);
    };
    const wake = () => {
      if (document.hidden) timer = setTimeout(wake, Math.max(every, AGAIN_MS));
      else last = load();
    };
    again.current = () => (last = load());
    last = load();
    // an answer that is on its way is shown before the next is asked for
    const onTold = async () => {
      await last;
      if (!ended && !document.hidden) await (last = load());
    };
    const stop = live ? onChange(live, onTold) : undefined;
    return () => {
      ended = true;
      abort.abort();
      clearTimeout(timer);
      stop?.();
      answered(who, true);
    };
  }, [key, every, live]);

  const reload = useCallback(() => again.current(), []);
  const current = state.key === key;
  return {
    data: current ? state.data : undefined,
    problem: current ? state.problem : undefined,
    loading: !current || state.loading,
    reload,
  };
}

// The time of day, so that "3s ago" stays true.
export function useNow(every = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

// A value that has stayed as it is for `ms`.
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
