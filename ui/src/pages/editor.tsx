// Writing a definition: its text, what `saga check` finds in it as one types, its picture, and
// deploying it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, part, Problem, request } from '../api/client';
import type { Checked, Definition, Deployed, Finding, Graph, GraphNode } from '../api/types';
import { Heading, Loading, Trouble } from '../components/basics';
import { CodeArea, placeOf } from '../components/code-area';
import { say } from '../components/said';
import { useWhatIf, WhatIfForm, WhatIfResult } from '../components/what-if';
import { keepDraft, readDraft } from '../drafts';
import { changeOf, moveBehind, type Edited } from '../edit';
import { plural } from '../format';
import { LazyGraph } from '../graph/lazy';
import { useAnswer, useSettled } from '../hooks';
import { useMay } from '../me';
import { go, href } from '../router';
import { nextVersion, skeleton } from '../skeleton';
import { Blocks, isBlock, nameOf } from './editor-blocks';

const SETTLE_MS = 400;

export function EditorPage({ from }: { from: string | undefined }) {
  const path = from && `/definitions/${part(from)}`;
  const base = useAnswer(`edit ${path}`, async (signal) =>
    path ? get<Definition>(path, undefined, signal) : undefined,
  );
  if (from && !base.data)
    return (
      <>
        <Heading title={`The next version of ${from}`} />
        {base.problem ? (
          <Trouble problem={base.problem} retry={base.reload} />
        ) : (
          <Loading what="the definition" />
        )}
      </>
    );
  const version = base.data ? Math.max(...base.data.versions) + 1 : 1;
  return (
    <Editor
      title={from ? `The next version of ${from}` : 'A new definition'}
      draft={`${from ?? ''}@${version}`}
      text={base.data ? nextVersion(base.data.source, version) : skeleton}
    />
  );
}

// `draft`: the name under which what is written is kept.
function Editor({ title, draft, text: begun }: { title: string; draft: string; text: string }) {
  const [found] = useState(() => readDraft(draft));
  const [text, setText] = useState(found ?? begun);
  useEffect(() => keepDraft(draft, text === begun ? undefined : text), [draft, text, begun]);
  const [line, setLine] = useState(1);
  const area = useRef<HTMLTextAreaElement>(null);
  const settled = useSettled(text, SETTLE_MS);
  const check = useAnswer(`check ${settled}`, (signal) =>
    request<Checked>('POST', '/definitions/check', { yaml: settled, signal, safe: true }),
  );
  const [checked, setChecked] = useState<{ of: string; answer: Checked }>();
  useEffect(() => {
    if (check.data) setChecked({ of: settled, answer: check.data });
  }, [check.data, settled]);
  useLeaving(text !== begun);
  const trial = useWhatIf();

  const findings = checked?.answer.findings ?? [];
  const graph = useLast(checked?.answer.graph);
  const jump = (to: number, column = 1) => {
    const field = area.current;
    if (!field) return;
    const place = placeOf(field.value, to, column);
    field.focus();
    field.setSelectionRange(place, place);
    field.scrollTop = Math.max(0, (to - 6) * parseFloat(getComputedStyle(field).lineHeight));
    setLine(to);
  };
  const selected = graph && blockAt(graph, line);
  const stale = checked?.of !== text;
  // lines of a picture are those of the text that it was drawn of, which may be one before
  const drawn = !stale && checked.answer.graph !== undefined;
  const write = (to: string) => {
    const field = area.current;
    if (!field) return;
    const change = changeOf(field.value, to);
    field.focus();
    field.setSelectionRange(change.begin, change.end);
    // by the browser's own command, which its undo knows; it takes no empty text
    document.execCommand(change.text ? 'insertText' : 'delete', false, change.text);
  };
  const edit = (edited: Edited, done: string) => {
    write(edited.text);
    jump(edited.line);
    say(done);
  };
  // The picture may still be that of the text before: its lines are waited for.
  const [wanted, setWanted] = useState<string>();
  const choose = (node: GraphNode) => {
    if (!drawn) setWanted(nameOf(node));
    else if (node.line) jump(node.line);
  };
  useEffect(() => {
    if (!drawn || wanted === undefined) return;
    const node = graph?.nodes.find((other) => isBlock(other) && nameOf(other) === wanted);
    setWanted(undefined);
    if (node?.line) jump(node.line);
  }, [drawn, wanted]);
  const drop = (from: GraphNode, to: GraphNode) => {
    const edited = from.line && to.line && drawn ? moveBehind(text, from.line, to.line) : undefined;
    if (edited) edit(edited, `${nameOf(from)} was moved behind ${nameOf(to)}`);
    else say(`${nameOf(from)} cannot be moved there`);
  };

  return (
    <>
      <Heading title={title} />
      {found !== undefined && found !== begun && text !== begun && (
        <p class="warning">
          What you had written is here again; it is not deployed.{' '}
          <button type="button" class="small" onClick={() => write(begun)}>
            Begin anew
          </button>
        </p>
      )}
      <div class="editor">
        <section aria-label="Text" class="editor-text">
          <CodeArea
            area={area}
            value={text}
            findings={findings}
            describedBy="findings-count"
            onInput={setText}
            onCaret={setLine}
          />
        </section>
        <section aria-label="Picture" class="editor-picture">
          {graph ? (
            <>
              <Blocks text={text} graph={graph} node={selected} stale={!drawn} onEdit={edit} />
              {!stale && !drawn && (
                <p class="warning">
                  This text cannot be read: the picture is of the last one that could.
                </p>
              )}
              <LazyGraph
                graph={graph}
                title={checked?.answer.name ?? 'definition'}
                selected={selected?.id}
                onSelect={choose}
                onDrop={drop}
              />
            </>
          ) : (
            <p class="empty">There is a picture once the text can be read.</p>
          )}
        </section>
      </div>
      <Trouble problem={check.problem} />
      {!(check.problem && stale) && (
        <Findings findings={findings} stale={stale} known={checked !== undefined} onJump={jump} />
      )}
      <div class="columns">
        <WhatIfForm trial={trial} text={text} errors={!stale && hasErrors(findings)} />
        <Deploy
          text={text}
          checked={stale ? undefined : checked?.answer}
          onDone={() => keepDraft(draft, undefined)}
        />
      </div>
      <WhatIfResult trial={trial} text={text} />
    </>
  );
}

const hasErrors = (findings: Finding[]) => findings.some((f) => f.severity === 'error');

// The last one that there was: while one types, the text cannot be read for a moment.
function useLast<T>(value: T | undefined): T | undefined {
  const last = useRef<T | undefined>(undefined);
  if (value !== undefined) last.current = value;
  return last.current;
}

// Asks before what was written is lost.
function useLeaving(written: boolean): void {
  useEffect(() => {
    if (!written) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [written]);
}

function blockAt(graph: Graph, line: number): GraphNode | undefined {
  const before = graph.nodes.filter(
    (node) => isBlock(node) && node.line !== null && node.line <= line,
  );
  return before.sort((a, b) => b.line! - a.line!)[0];
}

function Findings({
  findings,
  stale,
  known,
  onJump,
}: {
  findings: Finding[];
  stale: boolean;
  known: boolean;
  onJump: (line: number, column: number) => void;
}) {
  const errors = findings.filter((f) => f.severity === 'error').length;
  const words = !known
    ? 'Looking for mistakes …'
    : findings.length === 0
      ? 'Nothing is wrong with it.'
      : `${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`;
  return (
    <section aria-labelledby="findings" class="findings">
      <h2 id="findings">Findings</h2>
      <p id="findings-count" role="status" class={stale ? 'quiet' : ''}>
        {words}
      </p>
      <ul>
        {findings.map((finding, i) => (
          <li key={i} class={finding.severity}>
            <button
              type="button"
              class="link"
              disabled={finding.line === 0}
              onClick={() => onJump(finding.line, finding.column)}
            >
              {finding.line ? `Line ${finding.line}` : 'The file'}
            </button>{' '}
            <strong class={finding.severity}>{finding.severity}</strong>{' '}
            {finding.code && <code>{finding.code}</code>} {finding.what}
            {finding.why && <p class="quiet">{finding.why}</p>}
            {finding.mend && <p class="mend">{finding.mend}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Deploy({
  text,
  checked,
  onDone,
}: {
  text: string;
  checked: Checked | undefined;
  onDone: () => void;
}) {
  const may = useMay('deployer');
  const [topics, setTopics] = useState<'refuse' | 'create' | 'allow'>('refuse');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const errors = useMemo(() => !checked || hasErrors(checked.findings), [checked]);
  if (!may) return <p class="quiet">Deploying needs the role deployer.</p>;
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      const query = {
        createTopics: topics === 'create' || undefined,
        allowMissingTopics: topics === 'allow' || undefined,
      };
      const deployed = await request<Deployed>('POST', '/definitions', { yaml: text, query });
      say(
        deployed.outcome === 'deployed'
          ? `${deployed.name} version ${deployed.version} is in force`
          : 'It was in force already',
      );
      onDone();
      go(href(['definitions', deployed.name, String(deployed.version)]));
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, String(error), '', '', null));
      setBusy(false);
    }
  };
  return (
    <form class="deploy" onSubmit={submit}>
      <label class="inline">
        Topics that are missing{' '}
        <select value={topics} onChange={(e) => setTopics(e.currentTarget.value as typeof topics)}>
          <option value="refuse">are a reason to refuse</option>
          <option value="create">are made</option>
          <option value="allow">are made by the services</option>
        </select>
      </label>
      <Trouble problem={problem} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy || errors}>
          {busy
            ? 'Deploying …'
            : checked?.name
              ? `Deploy ${checked.name} version ${checked.version}`
              : 'Deploy'}
        </button>
        {errors && checked && <span class="quiet">not while there are errors</span>}
      </div>
    </form>
  );
}
