// What an operator can say to a saga. Each is asked for a reason, and the saga's own answer is
// shown.
import { useState } from 'preact/hooks';
import { Problem, request } from '../api/client';
import type { Ordered, Resolution, Saga, Verb } from '../api/types';
import { ReasonDialog } from '../components/dialog';
import { say } from '../components/said';
import { useMay } from '../me';
import { verbs } from '../verbs';

const order: Verb[] = ['retry', 'skip', 'resolve', 'pause', 'resume', 'cancel'];

const ends: [Resolution['as'], string][] = [
  ['completed', 'completed: everything is done'],
  ['compensated', 'compensated: everything is taken back'],
  ['abandoned', 'abandoned: it is left as it is'],
];
const outcomes: [Resolution['as'], string][] = [
  ['succeeded', 'succeeded: the pivot was done, the saga goes forward'],
  ['failed', 'failed: the pivot was not done, the saga is compensated'],
];

// Where the server does not tell what would be refused, everything is offered, and the saga
// answers.
function choiceOf(saga: Saga, verb: Verb): { shown: boolean; why?: string } {
  const told = saga.verbs?.find((v) => v.verb === verb);
  if (!told) return { shown: !saga.ended };
  return {
    shown: told.allowed || !saga.ended,
    why: told.allowed ? undefined : (told.reason ?? 'not as the saga stands'),
  };
}

export function Operators({
  saga,
  path,
  onDone,
}: {
  saga: Saga;
  path: string;
  onDone: () => void;
}) {
  const [asked, setAsked] = useState<Verb>();
  const [result, setResult] = useState<Ordered>();
  const may = useMay('operator');
  const pivot = saga.status === 'stuck' && saga.stuckOn === 'pivot';
  const [as, setAs] = useState<Resolution['as']>();
  if (!may) return null;

  const act = async (reason: string) => {
    const verb = asked!;
    try {
      const answer = await request<Ordered>('POST', `${path}/${verb}`, {
        json: verb === 'resolve' ? { reason, as } : { reason },
      });
      say(`${verbs[verb].name}: ${answer.outcome}`);
      setResult(answer);
    } catch (error) {
      throw refusalOf(error);
    } finally {
      onDone();
    }
  };
  const shown = order
    .map((verb) => ({ verb, ...choiceOf(saga, verb) }))
    .filter((choice) => choice.shown);
  return (
    <section class="operators" aria-label="Operator">
      <div class="buttons">
        {shown.map(({ verb, why }) => (
          <button
            key={verb}
            type="button"
            class={verbs[verb].danger ? 'danger' : ''}
            aria-disabled={why ? 'true' : undefined}
            title={why ?? verbs[verb].words}
            onClick={() => {
              if (why) {
                say(`${verbs[verb].name} is not possible: ${why}`);
                return;
              }
              setAs(undefined);
              setAsked(verb);
            }}
          >
            {verbs[verb].name}
          </button>
        ))}
      </div>
      {result && <Answer answer={result} onClose={() => setResult(undefined)} />}
      {asked && (
        <ReasonDialog
          title={`${verbs[asked].name} ${saga.id}`}
          words={verbs[asked].words}
          action={verbs[asked].name}
          danger={verbs[asked].danger}
          onClose={() => setAsked(undefined)}
          act={act}
        >
          {asked === 'resolve' && (
            <fieldset>
              <legend>{pivot ? 'What became of it' : 'How it ends'}</legend>
              {(pivot ? [...outcomes, ...ends] : ends).map(([value, words]) => (
                <label key={value} class="choice">
                  <input
                    type="radio"
                    name="as"
                    value={value}
                    required
                    checked={as === value}
                    onChange={() => setAs(value)}
                  />{' '}
                  {words}
                </label>
              ))}
            </fieldset>
          )}
        </ReasonDialog>
      )}
    </section>
  );
}

// A refusal says in words why; they are the saga's.
function refusalOf(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  const order = (error.body as { order?: Ordered } | null)?.order;
  const words = order?.says?.join(' ');
  return words ? new Problem(error.status, error.title, words, error.mend, error.body) : error;
}

function Answer({ answer, onClose }: { answer: Ordered; onClose: () => void }) {
  return (
    <div class="answer" role="status">
      <p>
        <strong>
          {answer.verb}: {answer.outcome}
        </strong>
      </p>
      {answer.says && answer.says.length > 0 && (
        <ul>
          {answer.says.map((words, i) => (
            <li key={i}>{words}</li>
          ))}
        </ul>
      )}
      {answer.left && answer.left.length > 0 && (
        <>
          <p>Left as it is, to be looked at by hand:</p>
          <ul>
            {answer.left.map((left, i) => (
              <li key={i}>{left.words}</li>
            ))}
          </ul>
        </>
      )}
      <button type="button" class="small" onClick={onClose}>
        Close
      </button>
    </div>
  );
}
