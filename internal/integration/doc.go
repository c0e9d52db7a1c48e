// Package integration tests csoauth against programs that others wrote: so far npm's oidc-provider
// and github.com/ory/fosite, two OAuth servers that share no code and no author with us or with
// each other. What both of them accept and refuse is not our own reading of the RFCs, as the
// emulator's responses are.
//
// Neither is Contentstack. They serve its paths and are set up as its documents describe it: a
// refresh token without an offline scope, rotation at every refresh, the whole family revoked when
// one is used twice.
//
// The other way round, clients that others wrote log in at the emulator: Contentstack's own, a
// script of curl calls, and a person's browser, Chromium, in which axe-core looks for what keeps
// people with disabilities out. The same browser logs in at examples/web, and so tests package
// httplogin, and for programs that call package loopback, on hosts with and without IPv4 and IPv6.
//
// Contentstack's own clients run unmodified, in a network namespace in which Contentstack's host
// names lead to the emulator. The two JavaScript SDKs run with the other tests. The command csdx
// brings 312 MB of npm packages, so a build tag keeps its tests for make clients. Clients that know
// nothing of Contentstack, or let their users choose its URLs, need no such namespace: strategies
// for Passport, Auth.js and simple-oauth2.
//
// Redis and PostgreSQL are there for the stores that replicas share. A worker over any of them, to
// begin from when one machine is not enough, is in the folder worker.
//
// Package keyring keeps its keys in a real GNOME Keyring on Linux. Each test has its own, on a
// session bus of its own: no test touches the user's.
//
// The folder figures draws the pictures of the documentation, by Graphviz and gonum. The folder
// systems type-checks the library for systems that this machine is not.
//
// It is a module of its own, so that what these tests need never stands in the go.mod of the
// library. It is never tagged and nobody imports it; its replace directive always tests the
// checkout it is in. It also names the versions of the linters, as tools.
//
// To run it, type
//
//	make test
//
// in the root of the repository, or, for these tests alone, ./test.sh here. The suites need Node.js
// 20, what npm ci installs in the folders oidc-provider, contentstack-sdks, other-clients and axe,
// Chromium or Google Chrome, curl, openssl, Redis, PostgreSQL, and on Linux iproute2, the right to
// make network namespaces, D-Bus, GNOME Keyring and libsecret's tools; what lacks one of them is
// skipped and says so. With CI=true in the environment a skipped suite is a failure.
package integration
