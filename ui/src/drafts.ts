// What was written and is not deployed yet, kept as long as the tab: another page, or a token that ends in between, takes
// nothing away.
const PREFIX = 'saga-draft ';

export function readDraft(of: string): string | undefined {
  return sessionStorage.getItem(PREFIX + of) ?? undefined;
}

// undefined: there is none any more.
export function keepDraft(of: string, text: string | undefined): void {
  try {
    if (text === undefined) sessionStorage.removeItem(PREFIX + of);
    else sessionStorage.setItem(PREFIX + of, text);
  } catch {
    // the browser has no room: it is kept by the page alone
  }
}
