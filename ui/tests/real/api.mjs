// The coordinator's API, for what is not done by hand on a page. Needs what world.py starts.
const address = process.env.SAGA_VIEW ?? '';

/** The answer's JSON; a GET without a body, else a POST. Asks again in a second where the server is busy.
 * @param {string} path @param {object} [body] */
export async function api(path, body) {
  for (;;) {
    const answer = await fetch(address + 'api/v1' + path, {
      method: body ? 'POST' : 'GET',
      headers: {
        Authorization: 'Bearer ' + process.env.SAGA_VIEW_TOKEN,
        'Content-Type': 'application/json',
      },
      body: body && JSON.stringify(body),
    });
    if (answer.ok) return answer.json();
    if (![429, 503].includes(answer.status))
      throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
