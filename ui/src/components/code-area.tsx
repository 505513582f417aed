// A field for a definition's text: line numbers, and findings under the words that they are of. It
// is the browser's own text field, with all that this brings (undo, search, screen readers); what
// is drawn lies behind it. Tab leaves it, as everywhere.
import { useMemo, useRef } from 'preact/hooks';
import type { RefObject } from 'preact';
import type { Finding } from '../api/types';

interface Props {
  area: RefObject<HTMLTextAreaElement | null>;
  value: string;
  findings: Finding[];
  describedBy: string;
  onInput: (value: string) => void;
  onCaret: (line: number) => void;
}

export function CodeArea({ area, value, findings, describedBy, onInput, onCaret }: Props) {
  const behind = useRef<HTMLPreElement>(null);
  const gutter = useRef<HTMLOListElement>(null);
  const lines = useMemo(() => value.split('\n'), [value]);
  const worst = useMemo(() => worstOf(findings), [findings]);
  const tell = (field: HTMLTextAreaElement) => onCaret(lineAt(field.value, field.selectionStart));
  return (
    <div class="code-area">
      <ol class="gutter" ref={gutter} aria-hidden="true">
        {lines.map((_, i) => (
          <li key={i} class={worst.get(i + 1) ?? ''}>
            {i + 1}
          </li>
        ))}
      </ol>
      <div class="code-text">
        <pre ref={behind} aria-hidden="true">
          {lines.map((words, i) => (
            <Underlined key={i} words={words} findings={findings.filter((f) => f.line === i + 1)} />
          ))}
        </pre>
        <textarea
          ref={area}
          aria-label="Text of the definition (YAML)"
          aria-describedby={describedBy}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          wrap="off"
          value={value}
          onInput={(e) => onInput(e.currentTarget.value)}
          onKeyDown={keepIndent}
          onKeyUp={(e) => tell(e.currentTarget)}
          onClick={(e) => tell(e.currentTarget)}
          onScroll={(e) => {
            const { scrollTop, scrollLeft } = e.currentTarget;
            if (behind.current) {
              behind.current.scrollTop = scrollTop;
              behind.current.scrollLeft = scrollLeft;
            }
            if (gutter.current) gutter.current.scrollTop = scrollTop;
          }}
        />
      </div>
    </div>
  );
}

export function lineAt(text: string, place: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < place; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

export function placeOf(text: string, line: number, column = 1): number {
  let place = 0;
  for (let i = 1; i < line; i++) {
    const end = text.indexOf('\n', place);
    if (end < 0) return text.length;
    place = end + 1;
  }
  const end = text.indexOf('\n', place);
  return Math.min(place + Math.max(0, column - 1), end < 0 ? text.length : end);
}

function worstOf(findings: Finding[]): Map<number, string> {
  const worst = new Map<number, string>();
  for (const finding of findings)
    if (worst.get(finding.line) !== 'error') worst.set(finding.line, finding.severity);
  return worst;
}

function Underlined({ words, findings }: { words: string; findings: Finding[] }) {
  const [first] = findings;
  if (!first) return <>{words + '\n'}</>;
  const begin = Math.max(0, first.column - 1);
  const end = first.width ? begin + first.width : words.length;
  return (
    <>
      {words.slice(0, begin)}
      <mark class={first.severity}>{words.slice(begin, end) || ' '}</mark>
      {words.slice(end) + '\n'}
    </>
  );
}

// A new line begins under the one before. By a command of the browser, so that undo knows of it.
function keepIndent(event: KeyboardEvent): void {
  const area = event.currentTarget as HTMLTextAreaElement;
  if (event.key !== 'Enter' || event.isComposing || event.ctrlKey || event.metaKey || event.altKey)
    return;
  const before = area.value.slice(0, area.selectionStart);
  const line = before.slice(before.lastIndexOf('\n') + 1);
  const indent = /^ */.exec(line)![0];
  if (!indent) return;
  event.preventDefault();
  document.execCommand('insertText', false, '\n' + indent);
}
