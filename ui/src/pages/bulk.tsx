// One command for all sagas that a filter means: first which they are, then as a job.
import { useRef, useState } from 'preact/hooks';
import { Problem, request } from '../api/client';
import type { DryRun, Job, JobVerb } from '../api/types';
import { Heading, SagaLink, Status, Table, Time, Trouble } from '../components/basics';
import { say } from '../components/said';
import { count, plural } from '../format';
import { useMay } from '../me';
import { go, href } from '../router';
import { verbs } from '../verbs';

const choices: JobVerb[] = ['retry', 'skip', 'pause', 'resume', 'cancel'];
const RATE = 100;
const RATE_MAX = 5000;

// Its own name, so that a request that is sent twice is one job.
const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(6))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');

export function BulkPage({ query }: { query: URLSearchParams }) {
  const [verb, setVerb] = useState<JobVerb>('retry');
  const [where, setWhere] = useState(query.get('where') ?? '');
  const [reason, setReason] = useState('');
  const [rate, setRate] = useState(RATE);
  const [seen, setSeen] = useState<{ id: string; dry: DryRun }>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const may = useMay('operator');

  // What was shown is of this verb and filter only.
  const change = (set: () => void) => {
    set();
    setSeen(undefined);
    setProblem(undefined);
  };
  const trying = async (act: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await act();
    } catch (error) {
      const told = error instanceof Problem ? error : new Problem(0, String(error), '', '', null);
      setProblem(told);
      point(field.current, told);
    } finally {
      setBusy(false);
    }
  };
  const look = (event: Event) => {
    event.preventDefault();
    void trying(async () => {
      const dry = await request<DryRun>('POST', '/jobs', {
        query: { dryRun: true },
        json: { verb, where },
      });
      setSeen({ id: newId(), dry });
      say(`${amount(dry)} would be told to ${verb}`);
    });
  };
  const start = (event: Event) => {
    event.preventDefault();
    void trying(async () => {
      const job = await request<Job>('POST', '/jobs', {
        json: { verb, where, reason: reason.trim(), rate, id: seen!.id },
      });
      say('The job has begun');
      go(href(['jobs', job.id]));
    });
  };
  if (!may)
    return (
      <>
        <Heading title="A command for many sagas" />
        <p class="empty">That takes the role operator.</p>
      </>
    );
  const chosen = verbs[verb];
  return (
    <>
      <Heading title="A command for many sagas" />
      <form class="page-form" onSubmit={look}>
        <label class="field">
          <span>What to say</span>
          <select
            name="verb"
            value={verb}
            onChange={(e) => {
              const value = e.currentTarget.value as JobVerb;
              change(() => setVerb(value));
            }}
          >
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {verbs[choice].name}
              </option>
            ))}
          </select>
        </label>
        <p class="quiet">{chosen.words}</p>
        <label class="field">
          <span>To which sagas (all words must hold)</span>
          <input
            ref={field}
            name="where"
            class="code"
            required
            maxLength={4096}
            spellcheck={false}
            autocomplete="off"
            placeholder="status=stuck step=charge-card error~timeout changed<-1h"
            value={where}
            onInput={(e) => {
              const value = e.currentTarget.value;
              change(() => setWhere(value));
            }}
          />
        </label>
        <Trouble problem={problem} />
        <div class="buttons">
          <button type="submit" class={seen ? '' : 'primary'} disabled={busy || !where.trim()}>
            {busy && !seen ? 'Looking …' : 'Show which'}
          </button>
        </div>
      </form>
      {seen && <Which dry={seen.dry} />}
      {seen && seen.dry.count > 0 && (
        <form class="page-form" onSubmit={start}>
          <label class="field">
            <span>Reason (the journal of each saga keeps it, with your name)</span>
            <textarea
              name="reason"
              required
              maxLength={1024}
              rows={3}
              value={reason}
              onInput={(e) => setReason(e.currentTarget.value)}
            />
          </label>
          <label class="field">
            <span>Sagas a second, at most</span>
            <input
              name="rate"
              type="number"
              required
              min="1"
              max={RATE_MAX}
              value={String(rate)}
              onInput={(e) => setRate(Number(e.currentTarget.value))}
            />
          </label>
          <div class="buttons">
            <button
              type="submit"
              class={chosen.danger ? 'danger' : 'primary'}
              disabled={busy || !reason.trim()}
            >
              {busy ? 'Waiting for the answer …' : `${chosen.name} ${amount(seen.dry)}`}
            </button>
          </div>
          <p class="quiet">
            Those are meant that are like that when the job begins; one that is not any more when it
            comes to it is passed over. The job goes on when this page is closed.
          </p>
        </form>
      )}
    </>
  );
}

const amount = ({ count: n, more }: DryRun) => (more ? 'more than ' : '') + plural(n, 'saga');

// Where a filter is wrong, its words are chosen in the field. Columns count characters, the field
// UTF-16.
function point(field: HTMLInputElement | null, { body }: Problem): void {
  const { column, width } = (body ?? {}) as { column?: number; width?: number };
  if (!field || !column) return;
  const letters = [...field.value];
  const from = letters.slice(0, column - 1).join('').length;
  const size = letters.slice(column - 1, column - 1 + (width ?? 1)).join('').length;
  field.focus();
  field.setSelectionRange(from, from + size);
}

function Which({ dry }: { dry: DryRun }) {
  const rest = dry.count - dry.items.length;
  return (
    <section aria-live="polite">
      <h2>{dry.count ? `It means ${amount(dry)}` : 'It means no saga'}</h2>
      {dry.count > 0 && (
        <Table caption="The first of them" columns={['Saga', 'Status', 'At', 'Trouble', 'Changed']}>
          {dry.items.map((row) => (
            <tr key={row.id}>
              <th scope="row">
                <SagaLink id={row.id} />
              </th>
              <td data-column="Status">
                <Status status={row.status} paused={row.paused} />
              </td>
              <td data-column="At">{row.at}</td>
              <td data-column="Trouble">
                {row.error && [row.error.type, row.error.message].filter(Boolean).join(': ')}
              </td>
              <td data-column="Changed" class="when">
                <Time time={row.changed} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {rest > 0 && <p class="quiet">and {count(rest)} more</p>}
    </section>
  );
}
