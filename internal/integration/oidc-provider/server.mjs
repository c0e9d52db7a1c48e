// npm's oidc-provider as the integration tests need it: Contentstack's paths, its way with tokens, and no screens.
//
//   node server.mjs [port] [lifetime of access tokens in seconds]
//
// Port 0, the default, lets the system choose; access tokens live an hour by default. Once it listens, the first line on stdout is its base URL. It ends when
// its stdin does, so that it never outlives the test that started it, however that one ends.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

// Each client may ask for `allowed` alone. The provider knows one scope more, so that there is one to refuse: a scope
// that it does not know at all it ignores.
const allowed = ['openid', 'user:read', 'organization:read'];
const refused = 'cm.stacks.management:write';

// The same two apps are in ../servers_test.go.
const clients = [
  {
    client_id: 'public-app',
    token_endpoint_auth_method: 'none',
    application_type: 'native', // a web client may not have a redirect URI on loopback
    redirect_uris: ['http://127.0.0.1:8184/callback'],
  },
  {
    client_id: 'secret-app',
    client_secret: 's3cr3t-with-special:&+chars',
    token_endpoint_auth_method: 'client_secret_post',
    redirect_uris: ['https://app.example.com/oauth/callback'],
  },
].map((client) => ({
  ...client,
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: allowed.join(' '),
}));

const configuration = {
  clients,
  scopes: [...allowed, refused],
  routes: {
    authorization: '/apps/authorize',
    token: '/apps-api/apps/token',
    revocation: '/apps-api/apps/token/revoke',
  },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
  },
  // An absent method is plain where plain is offered. Release 9 offers it no more, which is why this is release 8.
  pkce: { methods: ['S256', 'plain'], required: (_ctx, client) => client.clientAuthMethod === 'none' },
  issueRefreshToken: () => true, // not only with offline_access
  expiresWithSession: () => false, // a login outlives the browser's session
  rotateRefreshToken: true,
  ttl: { AuthorizationCode: 60, AccessToken: Number(process.argv[3] ?? 3600), RefreshToken: 86400, IdToken: 3600, Session: 3600, Interaction: 600, Grant: 86400 },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  loadExistingGrant: grantEverything,
  cookies: { keys: ['for these tests alone'] },
};

// grantEverything stands for a consent page on which everybody says yes. A request without a scope is for all that the
// app may have, as it is at Contentstack; the provider by itself would refuse it.
async function grantEverything(ctx) {
  const { client, session, params, provider } = ctx.oidc;
  params.scope ??= client.scope;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

// logIn stands for the login page. The user says no if the authorize URL had login_hint=deny.
async function logIn(provider, req, res) {
  const { params } = await provider.interactionDetails(req, res);
  const answer = params.login_hint === 'deny'
    ? { error: 'access_denied', error_description: 'the user said no' }
    : { login: { accountId: 'user-1' }, consent: {} }; // a native client's user must consent every time
  await provider.interactionFinished(req, res, answer);
}

let handle;
const server = createServer((req, res) => handle(req, res));
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const base = `http://127.0.0.1:${server.address().port}`; // the provider wants its issuer, so the port comes first
  const provider = new Provider(base, configuration);
  const others = provider.callback();
  provider.on('server_error', (_ctx, err) => console.error(err));
  handle = (req, res) => {
    if (!req.url.startsWith('/interaction/')) {
      others(req, res);
      return;
    }
    logIn(provider, req, res).catch((err) => {
      console.error(err);
      res.writeHead(500).end();
    });
  };
  console.log(base);
});

process.stdin.on('end', () => process.exit()).resume();
