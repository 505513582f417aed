// Light, dark, or what the system says. Only this choice is kept in the browser for longer than the
// tab.
export type Theme = 'system' | 'light' | 'dark';

const NAME = 'saga-theme';

export function storedTheme(): Theme {
  const value = localStorage.getItem(NAME);
  return value === 'light' || value === 'dark' ? value : 'system';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') {
    localStorage.removeItem(NAME);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(NAME, theme);
    document.documentElement.dataset.theme = theme;
  }
}
