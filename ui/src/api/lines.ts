// An answer that goes on, a line of JSON at a time.
import { parseExact } from './exact';

// The lines as they come, whole ones only.
export async function* readLines<T>(answer: Response): AsyncGenerator<T> {
  const reader = answer.body!.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (text + decoder.decode(value, { stream: true })).split('\n');
    text = lines.pop()!;
    for (const line of lines) if (line.trim()) yield parseExact(line) as T;
  }
}
