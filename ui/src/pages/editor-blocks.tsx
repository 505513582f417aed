// What can be done with the block that is chosen in the picture. Each is an edit of the text, which
// undo takes back.
import { useState } from 'preact/hooks';
import type { Graph, GraphNode } from '../api/types';
import {
  addBehind,
  addBranch,
  canBranch,
  canEdit,
  canTakeOut,
  kinds,
  moveBehind,
  moveBy,
  takeOut,
  type Edited,
  type Kind,
} from '../edit';

interface Props {
  text: string;
  graph: Graph;
  node: GraphNode | undefined;
  stale: boolean; // the picture is not of this text
  onEdit: (edited: Edited, done: string) => void;
}

export const nameOf = (node: GraphNode) =>
  node.name || node.text.split('\n')[0]!.replace(/^pivot: /, '');

export function Blocks({ text, graph, node, stale, onEdit }: Props) {
  const [kind, setKind] = useState<Kind>('step');
  if (!node?.line)
    return (
      <p class="quiet">
        Choose a block in the picture, or put the cursor into it, to move it or to add one behind
        it.
      </p>
    );
  const line = node.line;
  if (!stale && !canEdit(text, line))
    return (
      <p class="quiet">
        <strong>{nameOf(node)}</strong> is not written as an item on a line of its own: change it in
        the text.
      </p>
    );
  // where blocks stand in this text is not known before its picture is there
  const movable = !stale && canTakeOut(text, line);
  const edit = (edited: Edited | undefined, done: string) =>
    edited && onEdit(edited, `${nameOf(node)} ${done}`);
  const up = stale ? undefined : moveBy(text, line, -1);
  const down = stale ? undefined : moveBy(text, line, 1);
  const goals = graph.nodes.filter(
    (other) =>
      movable &&
      isBlock(other) &&
      other.id !== node.id &&
      other.line !== null &&
      moveBehind(text, line, other.line),
  );
  return (
    <div class="blocks" role="group" aria-label={`Block ${nameOf(node)}`}>
      <strong>{nameOf(node)}</strong>
      <button type="button" class="small" disabled={!up} onClick={() => edit(up, 'was moved up')}>
        Move up
      </button>
      <button
        type="button"
        class="small"
        disabled={!down}
        onClick={() => edit(down, 'was moved down')}
      >
        Move down
      </button>
      <label>
        <span class="visually-hidden">Move it behind</span>
        <select
          value=""
          disabled={!movable}
          onChange={(e) => {
            const goal = graph.nodes.find((other) => other.id === e.currentTarget.value);
            e.currentTarget.value = '';
            if (goal?.line)
              edit(moveBehind(text, line, goal.line), `was moved behind ${nameOf(goal)}`);
          }}
        >
          <option value="">Move behind …</option>
          {goals.map((goal) => (
            <option key={goal.id} value={goal.id}>
              {nameOf(goal)}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="small danger"
        disabled={!movable}
        onClick={() => edit(takeOut(text, line), 'was taken out')}
      >
        Take out
      </button>
      {canBranch(text, line) && (
        <button
          type="button"
          class="small"
          disabled={stale}
          onClick={() => edit(addBranch(text, line), 'has a branch more')}
        >
          Add a branch
        </button>
      )}
      <span class="add">
        <label>
          <span class="visually-hidden">What to add behind it</span>
          <select value={kind} onChange={(e) => setKind(e.currentTarget.value as Kind)}>
            {Object.entries(kinds).map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="small"
          disabled={stale}
          onClick={() => {
            const added = addBehind(text, line, kind);
            if (added) onEdit(added, `${kinds[kind]} was added behind ${nameOf(node)}`);
          }}
        >
          Add behind it
        </button>
      </span>
    </div>
  );
}

// One that stands in the text as an item; a compensation is a part of its step.
export function isBlock(node: GraphNode): boolean {
  return node.block !== null && node.shape !== 'compensation' && !node.id.startsWith('j');
}
