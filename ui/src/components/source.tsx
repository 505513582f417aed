// A definition's text with the numbers of its lines.
import { useEffect, useRef } from 'preact/hooks';

export function Source({ text, line }: { text: string; line: number | undefined }) {
  const shown = useRef<HTMLLIElement>(null);
  useEffect(() => shown.current?.scrollIntoView({ block: 'center' }), [line]);
  return (
    <div class="source" tabIndex={0} role="region" aria-label="Text of the definition">
      <ol>
        {text
          .replace(/\n$/, '')
          .split('\n')
          .map((words, i) => (
            <li
              key={i}
              ref={i + 1 === line ? shown : undefined}
              class={i + 1 === line ? 'shown' : ''}
            >
              <Line words={words} />
            </li>
          ))}
      </ol>
    </div>
  );
}

// Comments quieter than the rest, names of fields apart from their values. Only looks: nothing is
// decided by it.
function Line({ words }: { words: string }) {
  const comment = commentAt(words);
  const rest = words.slice(0, comment);
  const field = /^(\s*(?:- )?)([A-Za-z][\w-]*)(:)(?=\s|$)/.exec(rest);
  return (
    <code>
      {field ? (
        <>
          {field[1]}
          <span class="field-name">{field[2]}</span>
          {rest.slice(field[1]!.length + field[2]!.length)}
        </>
      ) : (
        rest
      )}
      {comment < words.length && <span class="comment">{words.slice(comment)}</span>}
    </code>
  );
}

function commentAt(words: string): number {
  let quote = '';
  for (let i = 0; i < words.length; i++) {
    const c = words[i]!;
    if (quote) {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") {
      if (i === 0 || /[\s:[{,]/.test(words[i - 1]!)) quote = c;
    } else if (c === '#' && (i === 0 || /\s/.test(words[i - 1]!))) {
      return i;
    }
  }
  return words.length;
}
