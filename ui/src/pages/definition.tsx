// One definition: its picture, its text, and what one version changes against another.
import { useState } from 'preact/hooks';
import { get, part } from '../api/client';
import type { Changes, Definition, Figures, GraphNode } from '../api/types';
import { Facts, Heading, Loading, Panel, Table, Tabs, Time, Trouble } from '../components/basics';
import { LineDiff } from '../components/line-diff';
import { FiguresView } from '../components/figures';
import { Source } from '../components/source';
import { useWhatIf, WhatIfForm, WhatIfResult } from '../components/what-if';
import { LazyGraph } from '../graph/lazy';
import { useAnswer } from '../hooks';
import { useMay } from '../me';
import { go, href } from '../router';

const MEASURED = 'saga-figures'; // kept in this browser
const EVERY_MS = 5000;

const tabs: [string, string][] = [
  ['graph', 'Graph'],
  ['text', 'Text'],
  ['changes', 'Compare versions'],
  ['what-if', 'What if'],
];

export function DefinitionPage({
  name,
  version,
  query,
}: {
  name: string;
  version: string | undefined;
  query: URLSearchParams;
}) {
  const path = `/definitions/${part(name)}${version ? '/' + part(version) : ''}`;
  const asked = query.get('tab');
  const tab = tabs.some(([id]) => id === asked) ? asked! : 'graph';
  const answer = useAnswer(path, (signal) => get<Definition>(path, undefined, signal));
  const may = useMay('deployer');
  const mayStart = useMay('operator');
  const at = (to: Record<string, string | undefined>) =>
    go(href(['definitions', name, ...(version ? [version] : [])], { tab, ...to }), true);
  const definition = answer.data;
  if (!definition)
    return (
      <>
        <Heading title={name} />
        {answer.problem ? (
          <Trouble problem={answer.problem} retry={answer.reload} />
        ) : (
          <Loading what="the definition" />
        )}
      </>
    );
  const newest = Math.max(...definition.versions);
  return (
    <>
      <Heading title={`${name}, version ${definition.version}`}>
        {may && (
          <a class="button" href={href(['definitions', name, 'edit'])}>
            Write the next version
          </a>
        )}
        {mayStart && (
          <a class="button" href={href(['sagas', 'start'], { definition: name })}>
            Start one
          </a>
        )}
      </Heading>
      {definition.summary && <p class="summary">{definition.summary}</p>}
      {definition.version !== newest && (
        <p class="warning">
          New sagas start on <a href={href(['definitions', name])}>version {newest}</a>; running
          ones stay on theirs.
        </p>
      )}
      <About definition={definition} />
      <Tabs
        label="Views of the definition"
        tabs={tabs}
        current={tab}
        onChange={(to) => at({ tab: to, line: undefined })}
      />
      <Panel id={tab}>
        {tab === 'graph' && (
          <Picture
            definition={definition}
            onText={(line) => at({ tab: 'text', line: String(line) })}
          />
        )}
        {tab === 'text' && (
          <Source text={definition.source} line={Number(query.get('line')) || undefined} />
        )}
        {tab === 'what-if' && <Tried text={definition.source} />}
        {tab === 'changes' && (
          <Compare
            definition={definition}
            from={Number(query.get('from')) || undefined}
            onFrom={(from) => at({ from: String(from) })}
          />
        )}
      </Panel>
    </>
  );
}

function About({ definition }: { definition: Definition }) {
  const { name, versions } = definition;
  return (
    <Facts
      facts={[
        [
          'Versions',
          versions.map((v) => (
            <a
              key={v}
              class="version"
              aria-label={`version ${v}`}
              aria-current={v === definition.version ? 'true' : undefined}
              href={href(['definitions', name, String(v)])}
            >
              {v}
            </a>
          )),
        ],
        ['Deployed', <Time time={definition.deployed} />],
        [
          'Participants',
          definition.participants?.map((p) => `${p.name} (${p.commands}, ${p.replies})`).join('; '),
        ],
        ['Found by', definition.search?.join(', ')],
        ['SHA-256', <code title={definition.sha256}>{definition.sha256.slice(0, 16)}…</code>],
        [
          'Sagas',
          <a href={href(['sagas'], { definition: name, version: String(definition.version) })}>
            on this version
          </a>,
        ],
      ]}
    />
  );
}

function Picture({
  definition,
  onText,
}: {
  definition: Definition;
  onText: (line: number) => void;
}) {
  const [chosen, setChosen] = useState<GraphNode>();
  const [measured, setMeasured] = useState(() => localStorage.getItem(MEASURED) !== 'off');
  const path = `/definitions/${part(definition.name)}/${definition.version}/figures`;
  const figures = useAnswer(path, (signal) => get<Figures>(path, undefined, signal), {
    every: EVERY_MS,
    live: true,
  });
  const measure = (on: boolean) => {
    if (on) localStorage.removeItem(MEASURED);
    else localStorage.setItem(MEASURED, 'off');
    setMeasured(on);
  };
  if (!definition.graph)
    return <p class="empty">This program cannot draw it: the definition's text cannot be read.</p>;
  return (
    <>
      <Trouble problem={figures.problem} />
      {measured && figures.data && <FiguresView definition={definition} figures={figures.data} />}
      <LazyGraph
        graph={definition.graph}
        measured={measured}
        figures={figures.data}
        tools={
          <label>
            <input
              type="checkbox"
              checked={measured}
              onChange={(e) => measure(e.currentTarget.checked)}
            />{' '}
            counts and durations
          </label>
        }
        title={`${definition.name} version ${definition.version}`}
        selected={chosen?.id}
        onSelect={setChosen}
      />
      {chosen?.line && (
        <Block node={chosen} line={chosen.line} source={definition.source} onText={onText} />
      )}
    </>
  );
}

// The block's own lines: down to the next line that is indented as little as its first.
export function blockLines(source: string, line: number): string {
  const lines = source.split('\n').slice(line - 1);
  const indent = (text: string) => text.length - text.trimStart().length;
  const first = indent(lines[0] ?? '');
  const end = lines.findIndex((text, i) => i > 0 && text.trim() !== '' && indent(text) <= first);
  return lines
    .slice(0, end < 0 ? undefined : end)
    .map((text) => text.slice(first))
    .join('\n')
    .trimEnd();
}

function Block({
  node,
  line,
  source,
  onText,
}: {
  node: GraphNode;
  line: number;
  source: string;
  onText: (line: number) => void;
}) {
  return (
    <section class="block" aria-live="polite">
      <h2>{node.name || node.text.split('\n')[0]}</h2>
      <pre tabIndex={0} role="region" aria-label="Its text">
        {blockLines(source, line)}
      </pre>
      <button type="button" onClick={() => onText(line)}>
        Show it in the text, line {line}
      </button>
    </section>
  );
}

function Tried({ text }: { text: string }) {
  const trial = useWhatIf();
  return (
    <>
      <WhatIfForm trial={trial} text={text} />
      <WhatIfResult trial={trial} text={text} />
    </>
  );
}

/* ---- versions compared ---- */

function Compare({
  definition,
  from,
  onFrom,
}: {
  definition: Definition;
  from: number | undefined;
  onFrom: (version: number) => void;
}) {
  const others = definition.versions.filter((v) => v !== definition.version).sort((a, b) => b - a);
  const chosen = from ?? others.find((v) => v < definition.version) ?? others[0];
  if (chosen === undefined) return <p class="empty">There is no other version to compare with.</p>;
  return (
    <>
      <label class="inline">
        What version {definition.version} changes against version{' '}
        <select value={String(chosen)} onChange={(e) => onFrom(Number(e.currentTarget.value))}>
          {others.map((v) => (
            <option key={v} value={String(v)}>
              {v}
            </option>
          ))}
        </select>
      </label>
      <ChangeList definition={definition} from={chosen} />
      <TextChanges definition={definition} from={chosen} />
    </>
  );
}

function ChangeList({ definition, from }: { definition: Definition; from: number }) {
  const path = `/definitions/${part(definition.name)}/${definition.version}/changes`;
  const changes = useAnswer(`${path} ${from}`, (signal) => get<Changes>(path, { from }, signal));
  if (!changes.data)
    return changes.problem ? <Trouble problem={changes.problem} /> : <Loading what="the changes" />;
  return (
    <Table
      caption="What changed"
      columns={['Where', 'What', 'Before', 'After']}
      empty={changes.data.items.length ? undefined : 'Nothing changed but the form of the text.'}
    >
      {changes.data.items.map((change, i) => (
        <tr key={i}>
          <th scope="row">{change.place}</th>
          <td data-column="What">
            {change.kind} {change.field}
          </td>
          <td data-column="Before">{change.before && <code>{change.before}</code>}</td>
          <td data-column="After">{change.after && <code>{change.after}</code>}</td>
        </tr>
      ))}
    </Table>
  );
}

function TextChanges({ definition, from }: { definition: Definition; from: number }) {
  const path = `/definitions/${part(definition.name)}/${from}`;
  const before = useAnswer(path, (signal) => get<Definition>(path, undefined, signal));
  if (!before.data)
    return before.problem ? (
      <Trouble problem={before.problem} />
    ) : (
      <Loading what="the other text" />
    );
  return (
    <section>
      <h2>The text, line by line</h2>
      <LineDiff before={before.data.source} after={definition.source} />
    </section>
  );
}
