// OAuth clients of others, led by lines of JSON on standard input; each gets a line of JSON in response. The script ends with
// its input.
//
//   {"client": "auth.js", "base": "...", ...}    the first line: which client, and its settings. No response.
//   {"do": "authorize"}                          {"result": URL}
//   {"do": "callback", "query": "code=..."}      {"result": null}, and the client is logged in
//   {"do": "refresh", "extra": {...}}            {"result": null}; extra are further parameters of the form
//   {"do": "user"}                               {"result": uid of the user}
//
// What fails gets the response {"error": "..."}.
import { createInterface } from 'node:readline';

// uidOfUser asks the API for the user, whom Contentstack nests under a member of that name.
async function uidOfUser({ base }, accessToken) {
  const response = await fetch(base + '/v3/user', { headers: { authorization: 'Bearer ' + accessToken } });
  if (!response.ok) throw new Error('the API responded with ' + response.status);
  return (await response.json()).user.uid;
}

const authorizeURL = (s) => `${s.base}/apps/${s.appUid}/authorize`;
const tokenURL = (s) => s.base + '/apps-api/apps/token';

// An App is what Express does around a Passport strategy. It has one session.
class App {
  #passport;
  #session = {};

  constructor(passport, strategy) {
    this.#passport = passport;
    passport.use('it', strategy);
  }

  // open requests the page behind passport.authenticate. It returns where the response redirects to, or the user.
  open(query) {
    return new Promise((resolve, reject) => {
      const request = { url: '/callback', headers: { host: 'localhost:3000' }, connection: {}, session: this.#session, query };
      const headers = {};
      const response = {
        setHeader: (name, value) => (headers[name] = value),
        end: () => resolve({ redirect: headers.Location }),
      };
      const done = (error, user, info) => (user ? resolve({ user }) : reject(error ?? new Error(info.message)));
      this.#passport.authenticate('it', { session: false }, done)(request, response, reject);
    });
  }
}

// withPassport returns the actions of a strategy.
async function withPassport(makeStrategy) {
  const { default: passport } = await import('passport');
  let user;
  const verify = (accessToken, refreshToken, profile, done) => done(null, { accessToken, refreshToken, profile });
  const strategy = makeStrategy(verify);
  const app = new App(new passport.Passport(), strategy);
  return {
    strategy,
    authorize: async () => (await app.open({})).redirect,
    callback: async ({ query }) => {
      ({ user } = await app.open(Object.fromEntries(new URLSearchParams(query))));
    },
    user: () => user.profile.uid,
    tokens: () => user,
  };
}

const clients = {
  // The options are those of the strategy. With tokenInURL, it does not do what strategies for a provider do, which is to
  // send the access token in a header when they ask who the user is.
  async 'passport-oauth2'(settings) {
    const { default: OAuth2Strategy } = await import('passport-oauth2');
    const { default: refresh } = await import('passport-oauth2-refresh');
    class Strategy extends OAuth2Strategy {
      userProfile(accessToken, done) {
        this._oauth2.useAuthorizationHeaderforGET(!settings.tokenInURL);
        this._oauth2.get(settings.base + '/v3/user', accessToken, (error, body) =>
          error ? done(new Error(JSON.stringify(error))) : done(null, JSON.parse(body).user));
      }
    }
    const options = {
      authorizationURL: authorizeURL(settings),
      tokenURL: tokenURL(settings),
      clientID: settings.clientId,
      clientSecret: settings.clientSecret,
      callbackURL: settings.redirectUri,
      scope: ['user:read'],
      ...settings.options,
    };
    const client = await withPassport((verify) => new Strategy(options, verify));
    refresh.use('it', client.strategy);
    return {
      ...client,
      refresh: ({ extra }) => new Promise((resolve, reject) => {
        const done = (error, accessToken, refreshToken) => {
          if (error) return reject(new Error(JSON.stringify(error)));
          Object.assign(client.tokens(), { accessToken, refreshToken });
          resolve();
        };
        refresh.requestNewAccessToken('it', client.tokens().refreshToken, { ...extra }, done);
      }),
      user: () => uidOfUser(settings, client.tokens().accessToken),
    };
  },

  async 'passport-contentstack'(settings) {
    const { ContentstackStrategy } = (await import('passport-contentstack')).default;
    return withPassport((verify) => new ContentstackStrategy({
      oauthConfig: [{
        region: 'NA',
        clientID: settings.clientId,
        clientSecret: settings.clientSecret,
        appInstallationUID: settings.appUid,
        regionURL: settings.base, // without these two, it takes Contentstack's own hosts
        apiURL: settings.base,
      }],
      callbackURL: settings.redirectUri,
    }, verify));
  },

  // As Contentstack's guide for Auth.js has it. The options are those of the provider.
  async 'auth.js'(settings) {
    const { Auth, skipCSRFCheck } = await import('@auth/core');
    const site = new URL(settings.redirectUri).origin;
    let now = Date.now;
    let extra;

    async function renew(token) {
      const response = await fetch(settings.base + '/apps-api/token', {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: token.refreshToken,
          client_id: settings.clientId,
          client_secret: settings.clientSecret,
          ...extra,
        }),
      });
      const body = await response.json();
      return response.ok ? keep(token, body) : { ...token, error: JSON.stringify(body) };
    }

    const keep = (token, tokens) => ({
      ...token,
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      expiresAt: Date.now() + tokens.expires_in * 1000,
      error: undefined,
    });

    const config = {
      secret: 'the secret of the cookies',
      trustHost: true,
      basePath: '/api/auth',
      skipCSRFCheck,
      session: { strategy: 'jwt' },
      logger: { error: (error) => console.error(error, error.cause), warn: console.error },
      providers: [{
        id: 'contentstack',
        name: 'Contentstack',
        type: 'oauth',
        authorization: { url: authorizeURL(settings), params: { response_type: 'code', scope: 'user:read' } },
        token: settings.base + '/apps-api/token',
        userinfo: {
          url: settings.base + '/v3/user',
          request: async ({ tokens }) => ({ uid: await uidOfUser(settings, tokens.access_token) }),
        },
        profile: ({ uid }) => ({ id: uid }),
        clientId: settings.clientId,
        clientSecret: settings.clientSecret,
        ...settings.options,
      }],
      callbacks: {
        jwt: ({ token, account, profile }) => {
          if (account) return keep({ ...token, uid: profile.uid }, account);
          return now() < token.expiresAt - 60_000 ? token : renew(token);
        },
        session: ({ session, token }) => ({ ...session, ...token }),
      },
    };

    const cookies = new Map();
    async function request(path, init = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await Auth(new Request(site + path, { ...init, headers: { cookie } }), config);
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        if (/max-age=0/i.test(line)) cookies.delete(name);
        else cookies.set(name, value);
      }
      return response;
    }
    const session = async () => (await request('/api/auth/session')).json();
    return {
      authorize: async () => (await request('/api/auth/signin/contentstack', { method: 'POST', body: new URLSearchParams() })).headers.get('location'),
      async callback({ query }) {
        const response = await request(new URL(settings.redirectUri).pathname + '?' + query);
        const error = new URL(response.headers.get('location'), site).searchParams.get('error');
        if (error) throw new Error(error);
      },
      async refresh(order) {
        extra = order.extra;
        now = () => Date.now() + 3_600_000;
        try {
          const { error } = await session();
          if (error) throw new Error(error);
        } finally {
          now = Date.now;
        }
      },
      user: async () => uidOfUser(settings, (await session()).accessToken),
    };
  },

  // With what Nango gives it for Contentstack.
  async 'simple-oauth2'(settings) {
    const { AuthorizationCode } = await import('simple-oauth2');
    const { createHash, randomBytes } = await import('node:crypto');
    const client = new AuthorizationCode({
      client: { id: settings.clientId, secret: settings.clientSecret },
      http: { headers: { 'User-Agent': 'Nango' } },
      auth: {
        tokenHost: settings.base,
        tokenPath: new URL(tokenURL(settings)).pathname,
        authorizeHost: settings.base,
        authorizePath: new URL(authorizeURL(settings)).pathname,
      },
      options: { authorizationMethod: 'body', bodyFormat: 'form', scopeSeparator: ' ' },
    });
    const state = randomBytes(16).toString('hex');
    const verifier = randomBytes(32).toString('base64url');
    let tokens;
    return {
      authorize: () => client.authorizeURL({
        redirect_uri: settings.redirectUri,
        scope: 'user:read',
        state,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      }),
      async callback({ query }) {
        const parameters = new URLSearchParams(query);
        if (parameters.get('state') !== state) throw new Error('this is not the state that was sent');
        tokens = await client.getToken({ code: parameters.get('code'), redirect_uri: settings.redirectUri, code_verifier: verifier });
      },
      async refresh({ extra }) {
        const { access_token, refresh_token, expires_at } = tokens.token;
        tokens = await client.createToken({ access_token, refresh_token, expires_at }).refresh({ ...extra }); // as if read from a database
      },
      user: () => uidOfUser(settings, tokens.token.access_token),
    };
  },
};

console.log = console.error; // standard output is for the responses

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const settings = JSON.parse((await lines.next()).value);
const client = await clients[settings.client](settings);

for await (const line of lines) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await client[order.do](order)) ?? null };
  } catch (error) {
    answer = { error: String(error.message || error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
