import { useState } from 'preact/hooks';
import { setToken, token } from '../api/client';

export function SignIn() {
  const [value, setValue] = useState('');
  const refused = token() !== null;
  return (
    <form
      class="sign-in"
      onSubmit={(e) => {
        e.preventDefault();
        if (value.trim()) setToken(value.trim());
      }}
    >
      <h1>Sign in</h1>
      <p>
        This coordinator asks for a token. It is kept for this tab only, and goes nowhere but to
        this server.
      </p>
      {refused && (
        <p class="trouble" role="alert">
          The token that was given is not good, or not any more.
        </p>
      )}
      <label class="field">
        <span>Token</span>
        <input
          type="password"
          name="token"
          autocomplete="off"
          spellcheck={false}
          required
          value={value}
          onInput={(e) => setValue(e.currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="primary">
          Sign in
        </button>
      </div>
    </form>
  );
}
