// What was done, said once and to everybody: shown for a while, and read out.
import { useEffect, useState } from 'preact/hooks';

let tell: (words: string) => void = () => {};

export function say(words: string): void {
  tell(words);
}

const SHOWN_MS = 8000;

export function Said() {
  const [said, setSaid] = useState<{ words: string; count: number }>({ words: '', count: 0 });
  useEffect(() => {
    tell = (words) => setSaid((old) => ({ words, count: old.count + 1 }));
  }, []);
  useEffect(() => {
    if (!said.words) return;
    const timer = setTimeout(() => setSaid((old) => ({ ...old, words: '' })), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div class="said" role="status" aria-live="polite">
      {said.words && <p>{said.words}</p>}
    </div>
  );
}
