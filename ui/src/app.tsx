import { useEffect, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { get, onSignIn, setToken, token } from './api/client';
import { onLiveness, startListening, type Liveness } from './api/live';
import type { Me } from './api/types';
import { Heading, Trouble } from './components/basics';
import { Boundary } from './components/boundary';
import { Said } from './components/said';
import { SignIn } from './components/signin';
import { useAnswer } from './hooks';
import { MeContext } from './me';
import { href, useRoute, type Route } from './router';
import { applyTheme, storedTheme, type Theme } from './theme';
import { DeadLetterPage } from './pages/dead-letter';
import { DeadLettersPage } from './pages/dead-letters';
import { DefinitionPage } from './pages/definition';
import { DefinitionsPage } from './pages/definitions';
import { EditorPage } from './pages/editor';
import { BulkPage } from './pages/bulk';
import { JobPage, JobsPage } from './pages/jobs';
import { OperationsPage } from './pages/operations';
import { OverviewPage } from './pages/overview';
import { SagaPage } from './pages/saga';
import { SagasPage } from './pages/sagas';
import { StartPage } from './pages/start';

const places: [string, string][] = [
  ['', 'Overview'],
  ['sagas', 'Sagas'],
  ['definitions', 'Definitions'],
  ['jobs', 'Jobs'],
  ['dead-letters', 'Dead letters'],
  ['operations', 'Operations'],
];

export function App() {
  const [asked, setAsked] = useState(false);
  const [visit, setVisit] = useState(0); // another token, another visitor: everything is asked anew
  useEffect(
    () =>
      onSignIn((needed) => {
        setAsked(needed);
        if (!needed) setVisit((n) => n + 1);
      }),
    [],
  );
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        To the content
      </a>
      {asked ? (
        <main id="main" tabIndex={-1}>
          <SignIn />
        </main>
      ) : (
        <Visit key={visit} />
      )}
      <Said />
    </>
  );
}

// The part behind `#` is where one is, so a link there would lead away.
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Visit() {
  const route = useRoute();
  const me = useAnswer('me', (signal) => get<Me>('/me', undefined, signal));
  return (
    <MeContext.Provider value={me.data}>
      <Top here={route.path[0] ?? ''} me={me.data} />
      <main id="main" tabIndex={-1}>
        <Trouble problem={me.problem} retry={me.reload} />
        <Boundary key={route.path.join('/')}>
          <Page route={route} />
        </Boundary>
      </main>
    </MeContext.Provider>
  );
}

function Top({ here, me }: { here: string; me: Me | undefined }) {
  return (
    <header class="top">
      <a class="brand" href="#/">
        saga
      </a>
      <nav aria-label="Pages">
        {places.map(([path, name]) => (
          <a key={path} href={'#/' + path} aria-current={here === path ? 'page' : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <div class="corner">
        <Liveness />
        {me && me.authentication !== 'none' && <span class="who">{me.subject}</span>}
        {token() && (
          <button type="button" class="small" onClick={() => setToken(null)}>
            Sign out
          </button>
        )}
        <ThemeChoice />
      </div>
    </header>
  );
}

const livenessWords: Record<Liveness, string> = {
  live: 'live',
  connecting: 'connecting',
  off: 'not live',
};

function Liveness() {
  const [liveness, setLiveness] = useState<Liveness>('off');
  useEffect(() => {
    startListening();
    return onLiveness(setLiveness);
  }, []);
  return (
    <span class={'liveness ' + liveness} title="Are changes shown as they happen?">
      {livenessWords[liveness]}
    </span>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  return (
    <label class="theme">
      <span class="visually-hidden">Colours</span>
      <select
        value={theme}
        onChange={(e) => {
          const value = e.currentTarget.value as Theme;
          applyTheme(value);
          setTheme(value);
        }}
      >
        <option value="system">as the system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}

function Page({ route }: { route: Route }): ComponentChildren {
  const [place, a, b] = route.path;
  switch (place) {
    case undefined:
      return <OverviewPage />;
    case 'sagas':
      if (a !== undefined && b !== undefined)
        return <SagaPage key={a + '/' + b} definition={a} sagaKey={b} query={route.query} />;
      return a === 'start' ? (
        <StartPage definition={route.query.get('definition') ?? ''} />
      ) : (
        <SagasPage query={route.query} />
      );
    case 'definitions':
      if (a === undefined) return <DefinitionsPage />;
      if (a === 'new' || b === 'edit') return <EditorPage from={a === 'new' ? undefined : a} />;
      return <DefinitionPage key={a} name={a} version={b} query={route.query} />;
    case 'jobs':
      if (a === undefined) return <JobsPage />;
      return a === 'new' ? <BulkPage query={route.query} /> : <JobPage key={a} id={a} />;
    case 'dead-letters':
      return a !== undefined && b !== undefined ? (
        <DeadLetterPage partition={a} offset={b} />
      ) : (
        <DeadLettersPage query={route.query} />
      );
    case 'operations':
      return <OperationsPage query={route.query} />;
    default:
      return (
        <>
          <Heading title="There is no such page" />
          <p>
            <a href={href([])}>To the overview</a>
          </p>
        </>
      );
  }
}
