// What a new definition begins with: one step of everything that every saga has.
export const skeleton = `saga: my-saga
version: 1
summary: What it does, in one sentence.

participants:
  accounts: { commands: accounts.commands, replies: accounts.replies }

start:
  topic: my.requests
  event: SomethingAsked
  key: .id

steps:
  - step: first
    send: accounts/DoIt
    body: '{id: .input.id}'
    success: Done
    failure: Refused
    compensate:
      send: accounts/UndoIt
      body: '{id: .input.id}'
`;

// The same text under the next version's number; all else, comments too, stays as it is.
export function nextVersion(source: string, version: number): string {
  return source.replace(/^version:(\s*)\d+/m, (_, space: string) => `version:${space}${version}`);
}
