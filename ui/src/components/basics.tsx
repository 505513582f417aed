// Small parts that every page uses.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client';
import { ago, moment, shown } from '../format';
import { href, sagaHref } from '../router';

// The page's heading takes the focus when one comes to it, so that a screen reader says where one
// is.
export function Heading({ title, children }: { title: string; children?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = title + ' · saga';
    if (document.activeElement === document.body || document.activeElement?.closest('nav, main'))
      heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <div class="heading">
      <h1 ref={heading} tabIndex={-1}>
        <bdi>{shown(title)}</bdi>
      </h1>
      {children}
    </div>
  );
}

export function Status({ status, paused }: { status: string; paused?: boolean }) {
  return (
    <span class="statuses">
      <span class={'status ' + status}>{status}</span>
      {paused && <span class="status paused">paused</span>}
    </span>
  );
}

export function Time({ time, now }: { time: string | undefined; now?: number }) {
  if (!time) return null;
  return (
    <time dateTime={time} title={moment(time)}>
      {now ? ago(time, now) : moment(time)}
    </time>
  );
}

export function SagaLink({ id }: { id: string }) {
  return (
    <a class="id" href={sagaHref(id)}>
      <bdi>{shown(id)}</bdi>
    </a>
  );
}

export function VersionLink({ name, version }: { name: string; version: number }) {
  return <a href={href(['definitions', name, String(version)])}>version {version}</a>;
}

export function Trouble({ problem, retry }: { problem: Problem | undefined; retry?: () => void }) {
  if (!problem) return null;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{problem.title}</strong>
        {problem.detail && problem.detail !== problem.title ? ': ' + problem.detail : ''}
      </p>
      {problem.mend && <p class="mend">{problem.mend}</p>}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Warnings({ warnings }: { warnings: string[] | undefined }) {
  if (!warnings?.length) return null;
  return (
    <div class="warning" role="status">
      {warnings.map((warning) => (
        <p key={warning}>{warning}</p>
      ))}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="quiet" role="status">
      Reading {what} …
    </p>
  );
}

// A table that is a list of cards where there is no room: every cell knows its column's name.
interface TableProps {
  caption: string;
  columns: string[];
  numbers?: string[]; // the columns that hold some
  children: ComponentChildren;
  empty?: string; // what is said where there are no rows
}

export function Table({ caption, columns, numbers, children, empty }: TableProps) {
  return (
    <div class="table">
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" class={numbers?.includes(column) ? 'number' : undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
      {empty && <p class="empty">{empty}</p>}
    </div>
  );
}

export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts
        .filter(
          ([, value]) => value !== undefined && value !== null && value !== '' && value !== false,
        )
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

// A body, for reading. Large ones are shut until they are asked for.
export function Body({
  name,
  value,
  of,
  shown = false,
}: {
  name: string;
  of?: string; // whose it is, where a page has several of that name
  value: unknown;
  shown?: boolean;
}) {
  if (value === undefined) return null;
  return (
    <details class="body" open={shown}>
      <summary>{name}</summary>
      <Copied text={pretty(value)} what={of ? `${name} of ${of}` : name} />
    </details>
  );
}

export function pretty(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

export function Copied({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="copied">
      <pre tabIndex={0} role="region" aria-label={what}>
        {text}
      </pre>
      {navigator.clipboard && (
        <button
          type="button"
          class="small"
          onClick={() => {
            void navigator.clipboard.writeText(text).then(() => setCopied(true));
            setTimeout(() => setCopied(false), 2000);
          }}
        >
          {copied ? 'Copied' : 'Copy'}
          <span class="visually-hidden"> {what}</span>
        </button>
      )}
    </div>
  );
}

// Tabs by the arrow keys, as WAI-ARIA has them.
export function Tabs({
  label,
  tabs,
  current,
  onChange,
}: {
  label: string;
  tabs: [string, string][];
  current: string;
  onChange: (id: string) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (step: number) => {
    const at = tabs.findIndex(([id]) => id === current);
    const next = tabs[(at + step + tabs.length) % tabs.length]![0];
    onChange(next);
    requestAnimationFrame(() =>
      list.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus(),
    );
  };
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label={label}
      ref={list}
      onKeyDown={(e) => {
        if (e.key === 'ArrowRight') move(1);
        else if (e.key === 'ArrowLeft') move(-1);
        else return;
        e.preventDefault();
      }}
    >
      {tabs.map(([id, name]) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={'tab-' + id}
          aria-selected={id === current}
          aria-controls={'panel-' + id}
          tabIndex={id === current ? 0 : -1}
          onClick={() => onChange(id)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

export function Panel({ id, children }: { id: string; children: ComponentChildren }) {
  return (
    <div role="tabpanel" id={'panel-' + id} aria-labelledby={'tab-' + id}>
      {children}
    </div>
  );
}
