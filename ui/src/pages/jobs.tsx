// Jobs: commands for many sagas, how far they have come, and stopping them.
import { useState } from 'preact/hooks';
import { get, part, Problem, request } from '../api/client';
import type { Job, Jobs } from '../api/types';
import { Facts, Heading, Loading, Table, Time, Trouble } from '../components/basics';
import { say } from '../components/said';
import { count, plural } from '../format';
import { useAnswer, useNow } from '../hooks';
import { useMay } from '../me';
import { href } from '../router';

const LIST_MS = 3000;
const ONE_MS = 1000;

const hasEnded = (job: Job) => ['done', 'stopped', 'failed'].includes(job.status);

export function JobsPage() {
  const jobs = useAnswer('jobs', (signal) => get<Jobs>('/jobs', undefined, signal), {
    every: LIST_MS,
  });
  const now = useNow(5000);
  const may = useMay('operator');
  const items = jobs.data?.items;
  return (
    <>
      <Heading title="Jobs">
        {may && (
          <a class="button" href={href(['jobs', 'new'])}>
            A command for many sagas
          </a>
        )}
      </Heading>
      <Trouble problem={jobs.problem} />
      {!items && jobs.loading && <Loading what="the jobs" />}
      {items && (
        <Table
          caption="Jobs, the newest first"
          columns={['Job', 'Says', 'To', 'How far', 'Who', 'Asked for']}
          empty={items.length ? undefined : 'There are none.'}
        >
          {items.map((job) => (
            <tr key={job.id}>
              <th scope="row">
                <a href={href(['jobs', job.id])}>{job.id}</a>
              </th>
              <td data-column="Says">{job.verb}</td>
              <td data-column="To">
                <code>{job.where}</code>
                <span class="note">{job.reason}</span>
              </td>
              <td data-column="How far">
                <Standing job={job} /> <Far job={job} />
              </td>
              <td data-column="Who">{job.who}</td>
              <td data-column="Asked for" class="when">
                <Time time={job.created} now={now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

// Jobs' words have the colours of the sagas' that are like them.
const looks: Record<Job['status'], string> = {
  waiting: '',
  running: 'running',
  done: 'completed',
  stopped: 'paused',
  failed: 'stuck',
};

function Standing({ job }: { job: Job }) {
  const stopping = job.stopping && !hasEnded(job);
  return (
    <span class="statuses">
      <span class={'status ' + looks[job.status]}>{stopping ? 'stopping' : job.status}</span>
    </span>
  );
}

const totalOf = (job: Job) => job.selected ?? job.expected;
const dealtWith = (job: Job) => job.sent + (job.passedOver ?? 0);

function Far({ job }: { job: Job }) {
  const total = totalOf(job);
  return (
    <span class="far-words">
      {count(job.sent)}
      {total !== undefined && ` of ${count(total)}`} sent
      {job.passedOver ? `, ${count(job.passedOver)} passed over` : ''}
    </span>
  );
}

export function JobPage({ id }: { id: string }) {
  const path = `/jobs/${part(id)}`;
  const [ended, setEnded] = useState(false);
  const answer = useAnswer(
    path,
    async (signal) => {
      const job = await get<Job>(path, undefined, signal);
      setEnded(hasEnded(job));
      return job;
    },
    { every: ended ? 0 : ONE_MS },
  );
  const may = useMay('operator');
  const [problem, setProblem] = useState<Problem>();
  const job = answer.data;
  if (!job)
    return (
      <>
        <Heading title={'Job ' + id} />
        {answer.problem ? (
          <Trouble problem={answer.problem} retry={answer.reload} />
        ) : (
          <Loading what="the job" />
        )}
      </>
    );
  const stop = async () => {
    setProblem(undefined);
    try {
      await request<Job>('DELETE', path);
      say('The job shall stop');
      answer.reload();
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, String(error), '', '', null));
    }
  };
  const total = totalOf(job);
  return (
    <>
      <Heading title={'Job ' + id}>
        <Standing job={job} />
      </Heading>
      <Trouble problem={answer.problem ?? problem} />
      {job.why && (
        <div class={job.status === 'failed' ? 'trouble' : 'warning'} role="status">
          <p>{job.why}</p>
        </div>
      )}
      <section class="progress" aria-label="How far it has come">
        <progress
          aria-label="Sagas dealt with"
          max={total || 1}
          value={hasEnded(job) && !total ? 1 : total === undefined ? undefined : dealtWith(job)}
        />
        <p>
          <Far job={job} />
        </p>
      </section>
      {may && !hasEnded(job) && (
        <div class="buttons">
          <button type="button" class="danger" disabled={job.stopping} onClick={() => void stop()}>
            {job.stopping ? 'Stopping …' : 'Stop it'}
          </button>
        </div>
      )}
      <Facts
        facts={[
          ['Says', job.verb],
          ['To', <code>{job.where}</code>],
          ['Reason', job.reason],
          ['Who', job.who],
          ['At most', `${plural(job.rate, 'saga')} a second`],
          ['Asked for', <Time time={job.created} />],
          ['Began', job.began && <Time time={job.began} />],
          ['Ended', job.ended && <Time time={job.ended} />],
          ['Stopped by', job.stoppedBy],
        ]}
      />
      <p class="quiet">
        <a href={href(['operations'], { job: id })}>What each saga made of it</a>{' '}
        {may && (
          <>
            <a href={href(['jobs', 'new'], { where: job.where })}>Who is like that now?</a>{' '}
          </>
        )}
        <a href={href(['jobs'])}>All jobs</a>
      </p>
    </>
  );
}
