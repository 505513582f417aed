// A what-if in words: its classes, and what was not looked at.
import type { WhatIf, WhatIfClass, WhatIfGroup } from './api/types';
import { count, moment, plural } from './format';

// As `saga replay --with` says them, the best first.
export const classWords: Record<WhatIfClass, string> = {
  same: 'go the same way',
  'ended-otherwise': 'end otherwise, with the same commands',
  'other-commands': 'send other commands',
  stuck: 'get stuck',
  'unhandled-event': 'meet an event that this version does not take',
  'other-time': 'part in time: a timer would have rung before or after',
  'not-started': 'would not have been started',
  'not-judged': 'cannot be judged',
};

export const classes = Object.keys(classWords) as WhatIfClass[];

export function summary({ sagas, byClass, saga }: WhatIf): string {
  if (sagas === 0) return `No saga of ${saga} is recorded there.`;
  const same = byClass.same ?? 0;
  if (same === sagas) return `All ${plural(sagas, 'saga')} would have gone the same way.`;
  return `${count(same)} of ${plural(sagas, 'saga')} would have gone the same way, ${count(sagas - same)} would not.`;
}

// What the numbers do not say; each a sentence.
export function bounds({ eventsUnknown, lanesCut, unreadable, stillOpen }: WhatIf): string[] {
  const words = [];
  if (eventsUnknown)
    words.push(
      `What would have followed where the ways part is unknown: ${plural(eventsUnknown, 'recorded event')} behind there ${eventsUnknown === 1 ? 'is' : 'are'} not judged.`,
    );
  if (stillOpen)
    words.push(
      `Of those that go the same way, ${count(stillOpen)} ${stillOpen === 1 ? 'has' : 'have'} not ended yet.`,
    );
  if (lanesCut)
    words.push(
      `The journal of ${plural(lanesCut, 'lane')} was cut: sagas that had begun before are not judged.`,
    );
  if (unreadable) words.push(`${plural(unreadable, 'record')} cannot be read.`);
  return words;
}

const reasons = { records: 'enough records', time: 'enough time', memory: 'too much to hold' };

// Where it ended before the journal's end; absent: it did not.
export function truncated({ truncated: cut }: WhatIf): string[] | undefined {
  return cut?.lanes.map(
    ({ lane, by, to, end, time }) =>
      `lane ${lane}: before offset ${count(to)} of ${count(end)}` +
      (time ? `, ${moment(time)}` : '') +
      ` (${reasons[by]})`,
  );
}

// Groups of one class, in their order.
export const groupsOf = (result: WhatIf, name: WhatIfClass): WhatIfGroup[] =>
  result.parted.filter((group) => group.class === name);
