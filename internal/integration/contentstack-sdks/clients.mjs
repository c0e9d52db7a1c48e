// Contentstack's own JavaScript clients, led by lines of JSON on standard input; each gets a line of JSON in response. The
// script ends with its input.
//
//   {"host": "...", "oauth": {...}}        the first line: what client() and client.oauth() take. No response.
//   {"do": "authorize"}                    {"result": URL}
//   {"do": "exchange", "code": "..."}      {"result": tokens}
//   {"do": "redirected", "url": "..."}     {"result": null}
//   {"do": "user"}                         {"result": the user}
//   {"do": "refresh"}                      {"result": tokens}
//   {"do": "expiry"}                       {"result": when the client thinks that its token ends, in ms}
//   {"do": "logout"}                       {"result": the text}
//   {"do": "marketplace", "call": "..."}   {"result": what that call of the marketplace SDK returned}
//
// What fails gets the response {"error": "..."}.
import { createInterface } from 'node:readline';
import management from '@contentstack/management';
import marketplace from '@contentstack/marketplace-sdk';

console.log = console.error; // standard output is for the responses

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { host, oauth } = JSON.parse((await lines.next()).value);
const client = management.client({ host, logHandler: (level, data) => console.error(level, data?.message ?? data) });
const handler = client.oauth(oauth);

const calls = {
  findAll: (market) => market.app(oauth.appId).authorization().findAll({ skip: 0, limit: 50 }),
  revoke: (market, { uid }) => market.app(oauth.appId).authorization().revoke(uid),
  revokeAll: (market) => market.app(oauth.appId).authorization().revokeAll(),
  findAllAuthorizedApps: (market) => market.findAllAuthorizedApps(),
  getScopes: (market) => market.app(oauth.appId).oauth().getScopes(),
};

const actions = {
  authorize: () => handler.authorize(),
  exchange: ({ code }) => handler.exchangeCodeForToken(code),
  redirected: ({ url }) => handler.handleRedirect(url),
  user: () => client.getUser().then(({ uid, email, organizations }) => ({ uid, email, organizations })),
  refresh: () => handler.refreshAccessToken(),
  expiry: () => handler.getTokenExpiryTime(),
  logout: () => handler.logout(),
  marketplace(order) {
    const market = marketplace.client({ authorization: 'Bearer ' + handler.getAccessToken() });
    return calls[order.call](market.marketplace(handler.getOrganizationUID()), order);
  },
};

for await (const line of lines) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await actions[order.do](order)) ?? null };
  } catch (error) {
    answer = { error: String(error.message || error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
