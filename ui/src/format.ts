// Times and amounts for people. Durations are written as definitions write them: 1h30m.

const units: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

// The two largest units: 2d4h, 1m30s, 850ms.
export function duration(ms: number): string {
  if (ms < 0) return '-' + duration(-ms);
  if (ms < 1000) return Math.round(ms) + 'ms';
  if (ms < 10_000) return (Math.floor(ms / 100) / 10).toString() + 's';
  const first = units.findIndex(([, size]) => ms >= size);
  const [unit, size] = units[first]!;
  const whole = Math.floor(ms / size);
  const next = units[first + 1];
  const rest = next ? Math.floor((ms - whole * size) / next[1]) : 0;
  return whole + unit + (rest && next ? rest + next[0] : '');
}

export function ago(time: string | undefined | null, now: number): string {
  if (!time) return '';
  const ms = now - Date.parse(time);
  if (Number.isNaN(ms)) return '';
  if (Math.abs(ms) < 1000) return 'now';
  return ms > 0 ? coarse(ms) + ' ago' : 'in ' + coarse(-ms);
}

function coarse(ms: number): string {
  const [unit, size] = units.find(([, s]) => ms >= s) ?? ['s', 1000];
  return Math.floor(ms / size) + unit;
}

// As the coordinator's own times are: UTC, to the second.
export function moment(time: string | undefined | null): string {
  return time ? time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC') : '';
}

export function clock(time: string): string {
  return time.slice(11).replace(/Z$/, '');
}

const whole = new Intl.NumberFormat('en');
const rates = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function count(n: number): string {
  return whole.format(n);
}

export function rate(perSecond: number): string {
  return rates.format(perSecond);
}

// A part of all, 0 to 1: what is there is never 0 %, what is lacking never 100 %.
export function percent(part: number): string {
  if (part <= 0) return '0 %';
  if (part >= 1) return '100 %';
  return part < 0.01 ? '<1 %' : part > 0.99 ? '>99 %' : Math.round(part * 100) + ' %';
}

export function plural(n: number, one: string, many = one + 's'): string {
  return count(n) + ' ' + (n === 1 ? one : many);
}

export function bytes(n: number): string {
  if (n < 1024) return plural(n, 'byte');
  return n < 1_048_576 ? rates.format(n / 1024) + ' KiB' : rates.format(n / 1_048_576) + ' MiB';
}

// An id as it is, also where it holds letters that are not seen, or that turn round what stands beside them:
// two ids that differ must not look alike.
export function shown(id: string): string {
  return id.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (letter) => '\\u{' + letter.codePointAt(0)!.toString(16) + '}',
  );
}

// Fields of the browser for times speak local time; the API speaks UTC.
export function localTime(time: string | undefined): string {
  if (!time) return '';
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
