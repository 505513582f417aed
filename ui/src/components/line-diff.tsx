import { useMemo } from 'preact/hooks';
import { diffLines, type DiffLine } from '../line-diff';

const AROUND = 3; // lines that stayed, shown around those that did not
const signs = { same: ' ', removed: '−', added: '+' };

export function LineDiff({ before, after }: { before: string; after: string }) {
  const parts = useMemo(() => partsOf(diffLines(before, after)), [before, after]);
  if (parts.length === 0) return <p class="empty">The texts are the same.</p>;
  return (
    <div class="diff" tabIndex={0} role="region" aria-label="The text, line by line">
      <table>
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Line before</th>
            <th scope="col">Line after</th>
            <th scope="col">Text</th>
          </tr>
        </thead>
        {parts.map((part, i) => (
          <tbody key={i}>
            {part.map((line, k) => (
              <tr key={k} class={line.kind}>
                <td class="line-number">{line.before ?? ''}</td>
                <td class="line-number">{line.after ?? ''}</td>
                <td class="line-text">
                  <span aria-hidden="true">{signs[line.kind]} </span>
                  {line.kind !== 'same' && <span class="visually-hidden">{line.kind}: </span>}
                  {line.text}
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

// Only what is near a change.
function partsOf(lines: DiffLine[]): DiffLine[][] {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, i) => {
    if (line.kind !== 'same') near.fill(1, Math.max(0, i - AROUND), i + AROUND + 1);
  });
  const parts: DiffLine[][] = [];
  lines.forEach((line, i) => {
    if (!near[i]) return;
    if (i === 0 || !near[i - 1]) parts.push([]);
    parts.at(-1)!.push(line);
  });
  return parts;
}
