// What an operator can say, in words.
import type { Verb } from './api/types';

export const verbs: Record<Verb, { name: string; words: string; danger?: boolean }> = {
  retry: {
    name: 'Retry',
    words: 'Tries again what the saga hangs on, under the same idempotency key.',
  },
  skip: {
    name: 'Skip',
    words:
      'Counts what the saga hangs on as done. For what was done by hand; nothing is sent for it.',
    danger: true,
  },
  resolve: {
    name: 'Resolve',
    words:
      'Says how the saga ends, or what became of its pivot. Ending it sends nothing to any service.',
    danger: true,
  },
  pause: { name: 'Pause', words: 'Nothing new is sent; replies are still taken, and timers wait.' },
  resume: { name: 'Resume', words: 'Lets the saga go on.' },
  cancel: { name: 'Cancel', words: 'Ends the saga and compensates what it did.', danger: true },
};
