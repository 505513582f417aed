// Starting a saga by hand.
import { useState } from 'preact/hooks';
import { get, Problem, request } from '../api/client';
import type { DefinitionPage, Started } from '../api/types';
import { Heading, Trouble } from '../components/basics';
import { say } from '../components/said';
import { useAnswer } from '../hooks';
import { useMay } from '../me';
import { go, sagaHref } from '../router';

export function StartPage({ definition }: { definition: string }) {
  const known = useAnswer('definitions', (signal) =>
    get<DefinitionPage>('/definitions', { limit: 1000 }, signal),
  );
  const names = [...new Set((known.data?.items ?? []).map((row) => row.name))].sort();
  const [name, setName] = useState(definition);
  const [key, setKey] = useState('');
  const [input, setInput] = useState('{}');
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const may = useMay('operator');
  if (!may)
    return (
      <>
        <Heading title="Start a saga" />
        <p class="empty">That takes the role operator.</p>
      </>
    );

  const submit = async (event: Event) => {
    event.preventDefault();
    setProblem(undefined);
    // Sent as it was written: reading it here would take digits from large numbers.
    try {
      JSON.parse(input);
    } catch (error) {
      setProblem(
        new Problem(0, 'The input is not JSON', String((error as Error).message), '', null),
      );
      return;
    }
    setBusy(true);
    try {
      const head = JSON.stringify({ definition: name, key: key.trim() || undefined });
      const started = await request<Started>('POST', '/sagas', {
        text: `${head.slice(0, -1)},"input":${input}}`,
      });
      say(`${started.saga} was started`);
      go(sagaHref(started.saga));
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, String(error), '', '', null));
      setBusy(false);
    }
  };
  return (
    <>
      <Heading title="Start a saga" />
      <Trouble problem={known.problem} />
      <form class="page-form" onSubmit={submit}>
        <label class="field">
          <span>Definition</span>
          <select
            name="definition"
            required
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          >
            <option value="">choose</option>
            {names.map((n) => (
              <option key={n} value={n}>
                {n}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Key (empty: what the definition takes from the input)</span>
          <input
            name="key"
            maxLength={512}
            value={key}
            onInput={(e) => setKey(e.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Input, the start event's body (JSON)</span>
          <textarea
            name="input"
            class="code"
            rows={10}
            spellcheck={false}
            value={input}
            onInput={(e) => setInput(e.currentTarget.value)}
          />
        </label>
        <p class="quiet">
          A key starts one saga: sent again it starts nothing. What the definition's{' '}
          <code>when</code> says is not asked.
        </p>
        <Trouble problem={problem} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'Waiting …' : 'Start'}
          </button>
        </div>
      </form>
    </>
  );
}
