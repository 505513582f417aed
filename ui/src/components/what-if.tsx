// "What would it have done?": the recorded sagas, decided by a text that need not be deployed.
import { useEffect, useRef, useState } from 'preact/hooks';
import { open, Problem } from '../api/client';
import { plain } from '../api/exact';
import { readLines } from '../api/lines';
import type { WhatIf, WhatIfExample, WhatIfGroup, WhatIfLine, WhatIfSide } from '../api/types';
import { count, plural } from '../format';
import { useMay } from '../me';
import { bounds, classes, classWords, summary, truncated } from '../what-if';
import { Body, SagaLink, Table, Time, Trouble } from './basics';
import { say } from './said';

type Progress = NonNullable<WhatIfLine['progress']>;

export interface WhatIfTrial {
  running: boolean;
  progress: Progress | undefined;
  result: { of: string; answer: WhatIf } | undefined; // `of`: the text that decided
  problem: Problem | undefined;
  ask: (text: string, since: string) => void;
  stop: () => void;
}

// One at a time; it ends when the page does.
export function useWhatIf(): WhatIfTrial {
  const [running, setRunning] = useState(false);
  const [progress, setProgress] = useState<Progress>();
  const [result, setResult] = useState<WhatIfTrial['result']>();
  const [problem, setProblem] = useState<Problem>();
  const abort = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const take = (line: WhatIfLine, of: string) => {
    if (line.progress) setProgress(line.progress);
    if (line.problem)
      throw new Problem(
        line.problem.status,
        line.problem.title,
        line.problem.detail ?? '',
        line.problem.mend ?? '',
        line.problem,
      );
    if (!line.result) return;
    setResult({ of, answer: line.result });
    say(summary(line.result));
  };
  const ask = async (text: string, since: string) => {
    const { signal } = (abort.current = new AbortController());
    setRunning(true);
    setProgress(undefined);
    setResult(undefined);
    setProblem(undefined);
    try {
      const answer = await open('POST', '/definitions/what-if', {
        yaml: text,
        query: { since },
        accept: 'application/jsonl, application/problem+json',
        signal,
      });
      let last: WhatIfLine = {};
      for await (const line of readLines<WhatIfLine>(answer)) take((last = line), text);
      if (!last.result) throw new Problem(0, 'The coordinator went away', '', 'Look again.', null);
    } catch (error) {
      if (!signal.aborted) setProblem(problemOf(error));
    }
    setRunning(false);
  };
  return {
    ...{ running, progress, result, problem },
    ask: (text, since) => void ask(text, since),
    stop: () => {
      abort.current?.abort();
      say('It was stopped');
    },
  };
}

const problemOf = (error: unknown) =>
  error instanceof Problem ? error : new Problem(0, String(error), '', '', null);

const choices: [string, string][] = [
  ['1h', 'of the last hour'],
  ['1d', 'of the last day'],
  ['7d', 'of the last 7 days'],
  ['', 'of all that is recorded'],
];

export function WhatIfForm({
  trial,
  text,
  errors = false,
}: {
  trial: WhatIfTrial;
  text: string;
  errors?: boolean;
}) {
  const may = useMay('operator');
  const [since, setSince] = useState('1d');
  const { running, progress } = trial;
  return (
    <section class="what-if" aria-labelledby="what-if">
      <h2 id="what-if">What would it have done?</h2>
      <p class="quiet">
        The recorded sagas of its name, of whatever version they were, are decided by this text.
        Nothing is sent, nothing deployed.
      </p>
      {may ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            trial.ask(text, since);
          }}
        >
          <label class="inline">
            Which sagas{' '}
            <select
              value={since}
              disabled={running}
              onChange={(e) => setSince(e.currentTarget.value)}
            >
              {choices.map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </label>
          <div class="buttons">
            {/* two buttons: one that becomes the other while it is pressed would submit the form */}
            {running ? (
              <button key="stop" type="button" class="danger" onClick={trial.stop}>
                Stop it
              </button>
            ) : (
              <button key="look" type="submit" disabled={errors}>
                Look
              </button>
            )}
            {errors && !running && <span class="quiet">not while there are errors</span>}
          </div>
        </form>
      ) : (
        <p class="quiet">That takes the role operator.</p>
      )}
      {running && <Far progress={progress} />}
      <Trouble problem={trial.problem} />
    </section>
  );
}

function Far({ progress }: { progress: Progress | undefined }) {
  return (
    <div class="progress">
      <progress
        aria-label="Part of the journal looked at"
        max={1}
        value={progress && plain(progress.part)}
      />
      <p>
        {progress
          ? `${plural(progress.records, 'record')}, ${plural(progress.sagas, 'saga')} so far`
          : 'Looking for the journal …'}
      </p>
    </div>
  );
}

export function WhatIfResult({ trial, text }: { trial: WhatIfTrial; text: string }) {
  if (!trial.result) return null;
  const { of, answer } = trial.result;
  const cut = truncated(answer);
  return (
    <section class="what-if-result" aria-labelledby="what-if-result">
      <h2 id="what-if-result">{summary(answer)}</h2>
      {of !== text && <p class="warning">That was the text as it stood then.</p>}
      {cut && (
        <div class="warning">
          <p>
            Not all of the journal was looked at. Sagas of a shorter time are fewer;{' '}
            <code>saga replay --with</code> has no bounds.
          </p>
          <ul>
            {cut.map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </div>
      )}
      {answer.sagas > 0 && <Classes answer={answer} />}
      {answer.parted.length > 0 && <Groups groups={answer.parted} />}
      {bounds(answer).map((words) => (
        <p key={words}>{words}</p>
      ))}
      <p class="quiet">Events that only this version would start on are not in the journal.</p>
    </section>
  );
}

function Classes({ answer }: { answer: WhatIf }) {
  const present = classes.filter((name) => name === 'same' || answer.byClass[name]);
  return (
    <Table
      caption="Sagas by what would have become of them"
      columns={['Sagas', 'They']}
      numbers={['Sagas']}
    >
      {present.map((name) => (
        <tr key={name}>
          <td data-column="Sagas" class="number">
            {count(answer.byClass[name] ?? 0)}
          </td>
          <th scope="row">{classWords[name]}</th>
        </tr>
      ))}
    </Table>
  );
}

function Groups({ groups }: { groups: WhatIfGroup[] }) {
  return (
    <Table
      caption="Where the ways part, with examples"
      columns={['Step', 'What', 'Sagas', 'For example']}
      numbers={['Sagas']}
    >
      {groups.map((group, i) => (
        <tr key={i}>
          <th scope="row">{group.step ?? 'the saga'}</th>
          <td data-column="What">
            {group.what}
            <span class="note">{classWords[group.class]}</span>
          </td>
          <td data-column="Sagas" class="number">
            {count(group.sagas)}
          </td>
          <td data-column="For example">
            {group.examples.map((example) => (
              <Example key={`${example.saga} ${example.run}`} example={example} />
            ))}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Example({ example }: { example: WhatIfExample }) {
  return (
    <div class="example">
      <SagaLink id={example.saga} /> <Time time={example.time} />
      <Side title="recorded" side={example.recorded} id={example.saga} />
      <Side title="instead" side={example.instead} id={example.saga} />
    </div>
  );
}

function Side({ title, side, id }: { title: string; side: WhatIfSide; id: string }) {
  if (!side.words) return null;
  return (
    <div class="side">
      <span class="quiet">{title}</span> {side.words}
      <Body name={`body, ${title}, of ${id}`} value={side.body} />
    </div>
  );
}
