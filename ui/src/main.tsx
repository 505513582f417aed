import { render } from 'preact';
import { App } from './app';
import { applyTheme, storedTheme } from './theme';
import './styles/base.css';
import './styles/parts.css';
import './styles/lists.css';
import './styles/saga.css';
import './styles/graph.css';
import './styles/definitions.css';
import './styles/narrow.css';

applyTheme(storedTheme());
render(<App />, document.getElementById('app')!);
