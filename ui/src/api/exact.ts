// JSON whose numbers keep their digits: an order's id beyond 2^53, an amount written 12.50. A
// number that JavaScript would write otherwise is kept as it was written, which JSON.stringify
// gives back (browsers that do not know this yet show it rounded).
type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;
const raw = (JSON as unknown as { rawJSON?: (text: string) => unknown }).rawJSON;

const keep: Reviver = (_, value, context) =>
  typeof value === 'number' &&
  context?.source !== undefined &&
  String(value) !== context.source &&
  raw
    ? raw(context.source)
    : value;

// A number to reckon with, also where its digits were kept.
export const plain = (value: number): number => Number(JSON.stringify(value));

export function parseExact(text: string): unknown {
  return JSON.parse(text, keep as Parameters<typeof JSON.parse>[1]);
}
