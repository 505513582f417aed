// The picture and what lays it out come when they are first needed: pages without one are there
// sooner.
import type { ComponentProps } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type GraphView from './graph';

type View = typeof GraphView;
let loaded: View | undefined;

export function LazyGraph(props: ComponentProps<View>) {
  const [view, setView] = useState<{ view: View } | undefined>(loaded && { view: loaded });
  useEffect(() => {
    if (!loaded)
      void import('./graph').then((module) => {
        loaded = module.default;
        setView({ view: loaded });
      });
  }, []);
  if (!view) return <p class="quiet">Drawing …</p>;
  const View = view.view;
  return <View {...props} />;
}
