// A mistake in one page must not take the others away.
import { Component, type ComponentChildren } from 'preact';

export class Boundary extends Component<{ children: ComponentChildren }, { error?: unknown }> {
  override componentDidCatch(error: unknown): void {
    this.setState({ error });
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div class="trouble" role="alert">
        <p>
          <strong>This page cannot be shown</strong>: {String(this.state.error)}
        </p>
        <p class="mend">
          That is a mistake of the view. The command line tells the same: saga list, saga show, saga
          history.
        </p>
      </div>
    );
  }
}
