// Contentstack's own JavaScript client, led by lines of JSON on standard input; each gets a line of JSON in answer. It
// ends with its input.
//
//   {"base": URL, "mend": [...], "oauth": {...}}   the first line; oauth is what client.oauth() takes. No answer.
//   {"do": "authorize"}                            {"result": URL}
//   {"do": "exchange", "code": "..."}              {"result": tokens}
//   {"do": "redirected", "url": "..."}             {"result": null}
//   {"do": "user"}                                 {"result": the user}
//   {"do": "refresh"}                              {"result": tokens}
//   {"do": "expiry"}                               {"result": when the client thinks that its token ends, in ms}
//
// What fails answers {"error": "..."}.
//
// mend names bugs of the client to step around, here and with its own extension points; managementsdk_test.go tells them.
import { createInterface } from 'node:readline';
import management from '@contentstack/management';

console.log = console.error; // standard output is for the answers

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { base, mend, oauth } = JSON.parse((await lines.next()).value);
const mends = (bug) => mend.includes(bug);
const isTokenRequest = (request) => request.url === base + '/token';

// endpoint alone would make the CMA's URL the application's, and leave the Developer Hub at https://.
const client = management.client({
  endpoint: base + '/v3',
  uiBaseUrl: base,
  developerHubBaseUrl: base,
  logHandler: (level, data) => console.error(level, data?.message ?? data),
  plugins: [{
    onRequest(request) {
      if (mends('authorization') && isTokenRequest(request)) {
        request.headers.delete('authorization');
      }
      if (mends('secret') && isTokenRequest(request) && request.data.get('grant_type') === 'refresh_token') {
        request.data.set('client_secret', oauth.clientSecret);
      }
      return request;
    },
    onResponse: (response) => response,
  }],
});
const handler = client.oauth(oauth);

const actions = {
  async authorize() {
    const url = new URL(await handler.authorize());
    if (mends('redirect_uri')) {
      url.searchParams.set('redirect_uri', oauth.redirectUri);
    }
    return url.toString();
  },
  exchange: ({ code }) => handler.exchangeCodeForToken(code),
  redirected: ({ url }) => handler.handleRedirect(url),
  user: () => client.getUser().then(({ uid, email, organizations }) => ({ uid, email, organizations })),
  refresh: () => handler.refreshAccessToken(),
  expiry: () => handler.getTokenExpiryTime(),
};

for await (const line of lines) {
  const order = JSON.parse(line);
  if (mends('expiry') && handler.getAccessToken() && order.do !== 'expiry') {
    handler.setTokenExpiryTime(Date.now() + 3600_000);
  }
  let answer;
  try {
    answer = { result: (await actions[order.do](order)) ?? null };
  } catch (error) {
    answer = { error: String(error.message || error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
