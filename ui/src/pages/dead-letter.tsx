// One dead letter, as it was, and what can be done about it.
import { useState } from 'preact/hooks';
import { get, part, request } from '../api/client';
import type { Bytes, FullLetter } from '../api/types';
import { Copied, Facts, Heading, Loading, Table, Time, Trouble } from '../components/basics';
import { ReasonDialog } from '../components/dialog';
import { say } from '../components/said';
import { useAnswer } from '../hooks';
import { useMay } from '../me';

const acts = {
  resend: {
    name: 'Send again',
    words: 'Sends it again, as it was, to the topic and partition that it came from.',
    done: 'It was sent again',
  },
  drop: {
    name: 'Drop',
    words:
      'Notes that nothing is to be done about it. It stays where it is, and is listed as handled.',
    done: 'It was noted',
  },
};
type Act = keyof typeof acts;

export function DeadLetterPage({ partition, offset }: { partition: string; offset: string }) {
  const path = `/dead-letters/${part(partition)}/${part(offset)}`;
  const letter = useAnswer(path, (signal) => get<FullLetter>(path, undefined, signal));
  const [asked, setAsked] = useState<Act>();
  const may = useMay('operator');
  const title = `Dead letter ${partition}/${offset}`;
  if (!letter.data)
    return (
      <>
        <Heading title={title} />
        {letter.problem ? (
          <Trouble problem={letter.problem} retry={letter.reload} />
        ) : (
          <Loading what="the letter" />
        )}
      </>
    );
  const { headers, body, key, time, handled } = letter.data;
  const header = (name: string) => textOf(headers.find((h) => h.name === name)?.value ?? null);
  return (
    <>
      <Heading title={title} />
      <Facts
        facts={[
          ['Reason', header('saga_reason')],
          ['In words', header('saga_message')],
          [
            'From',
            header('saga_source_topic') &&
              `${header('saga_source_topic')}[${header('saga_source_partition')}]@${header('saga_source_offset')}`,
          ],
          ['Key', textOf(key)],
          ['Put aside', <Time time={time} />],
          [
            'Handled',
            handled && (
              <>
                {handled.how} by {handled.who}, <Time time={handled.time} />: “{handled.reason}”
              </>
            ),
          ],
        ]}
      />
      {may && (
        <div class="buttons">
          <button type="button" onClick={() => setAsked('resend')}>
            {acts.resend.name}
          </button>
          <button type="button" class="danger" onClick={() => setAsked('drop')}>
            {acts.drop.name}
          </button>
        </div>
      )}
      <section>
        <h2>Body</h2>
        {body === null ? (
          <p class="empty">It has none.</p>
        ) : (
          <Copied text={readable(body)} what="body" />
        )}
      </section>
      <section>
        <h2>Headers</h2>
        <Table
          caption="Headers"
          columns={['Name', 'Value']}
          empty={headers.length ? undefined : 'It has none.'}
        >
          {headers.map((h, i) => (
            <tr key={i}>
              <th scope="row">{h.name}</th>
              <td data-column="Value">
                <code>{textOf(h.value)}</code>
              </td>
            </tr>
          ))}
        </Table>
      </section>
      {asked && (
        <ReasonDialog
          title={`${acts[asked].name}: ${title.toLowerCase()}`}
          words={acts[asked].words}
          action={acts[asked].name}
          danger={asked === 'drop'}
          onClose={() => setAsked(undefined)}
          act={async (reason) => {
            await request('POST', `${path}/${asked}`, { json: { reason } });
            say(acts[asked].done);
            letter.reload();
          }}
        />
      )}
    </>
  );
}

function textOf(value: Bytes): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : value.hex;
}

// Bytes as people read them: sixteen a line, with their place and what is a letter among them.
function readable(value: NonNullable<Bytes>): string {
  if (typeof value === 'string') return value;
  const pairs = value.hex.match(/../g) ?? [];
  const lines: string[] = [];
  for (let i = 0; i < pairs.length; i += 16) {
    const row = pairs.slice(i, i + 16);
    const letters = row.map((pair) => {
      const code = parseInt(pair, 16);
      return code >= 32 && code < 127 ? String.fromCharCode(code) : '.';
    });
    lines.push(
      `${i.toString(16).padStart(6, '0')}  ${row.join(' ').padEnd(47)}  ${letters.join('')}`,
    );
  }
  return lines.join('\n');
}
