// A question that must be answered before anything else; the browser keeps the focus inside.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client';
import { Trouble } from './basics';

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const asked = document.activeElement;
    dialog.current?.showModal();
    return () => asked instanceof HTMLElement && asked.focus();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

interface ReasonProps {
  title: string;
  words: ComponentChildren;
  action: string;
  danger?: boolean;
  onClose: () => void;
  act: (reason: string) => Promise<void>; // closes on success
  children?: ComponentChildren;
}

// Whatever an operator does has a reason, which is kept for ever.
export function ReasonDialog({
  title,
  words,
  action,
  danger,
  onClose,
  act,
  children,
}: ReasonProps) {
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await act(reason.trim());
      onClose();
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, String(error), '', '', null));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{words}</p>
        {children}
        <label class="field">
          <span>Reason (the journal keeps it, with your name)</span>
          <textarea
            name="reason"
            required
            maxLength={1024}
            rows={3}
            value={reason}
            onInput={(e) => setReason(e.currentTarget.value)}
          />
        </label>
        <Trouble problem={problem} />
        <div class="buttons">
          <button
            type="submit"
            class={danger ? 'danger' : 'primary'}
            disabled={busy || !reason.trim()}
          >
            {busy ? 'Waiting for the answer …' : action}
          </button>
          <button type="button" onClick={onClose}>
            Back
          </button>
        </div>
      </form>
    </Dialog>
  );
}
