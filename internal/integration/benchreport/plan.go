package main

// A benchmark is one row of the report.
type benchmark struct {
	name  string   // in the report
	pkg   string   // its package, from the root of the repository
	path  string   // its name as go test has it, without the implementation
	impls []string // csoauth first
	aim   float64  // the ratio to the limit that is to be reached; 0: none is set
	slow  bool     // its preparation takes long: it has a third of the rounds
	herd  bool     // it counts CPU time itself, over several processes, and is slow
}

// The implementations of the benchmarks.
const (
	csoauth = "csoauth"
	xoauth2 = "xoauth2" // golang.org/x/oauth2, under the same conditions
	limit   = "limit"   // the same necessary work by the standard library or the bare driver
	codec   = "codec"   // the limit of a store, and what the values cost it: seals and JSON
)

var (
	all       = []string{csoauth, xoauth2, limit}
	noPeer    = []string{csoauth, limit}
	noLimit   = []string{csoauth, xoauth2}
	overStore = []string{csoauth, limit, codec}
)

const (
	root        = "."
	manager     = "tokens"
	integration = "internal/integration"
)

// benchmarks are in the order of the report: a login, then its tokens, then its store.
var benchmarks = []benchmark{
	{name: "NewVerifier", pkg: root, path: "NewVerifier", impls: all},
	{name: "Challenge", pkg: root, path: "Challenge", impls: all},
	{name: "AuthorizeURL", pkg: root, path: "AuthorizeURL", impls: all},
	{name: "Exchange", pkg: root, path: "Exchange", impls: all, aim: 1.25},
	{name: "Exchange over loopback", pkg: root, path: "ExchangeLoopback", impls: all},
	{name: "Refresh", pkg: root, path: "Refresh", impls: all, aim: 1.25},
	{name: "Hit by handle", pkg: manager, path: "Hit/each=1", impls: all},
	{name: "Hit by key", pkg: manager, path: "HitByKey", impls: noPeer},
	{name: "Hit, 100,000 users", pkg: manager, path: "HitManyUsers", impls: noPeer, aim: 1.1, slow: true},
	{name: "Transport", pkg: manager, path: "Transport", impls: all},
	{name: "Web login: start", pkg: integration, path: "Start/cookie=none", impls: noLimit},
	{name: "Forged callback, no cookie", pkg: integration, path: "CallbackForged/cookie=none", impls: noLimit, aim: 1.1},
	{name: "Forged callback, forged cookie", pkg: integration, path: "CallbackForged/cookie=wrong-tag", impls: noLimit},
	{name: "redis, 1 process", pkg: integration, path: "HerdOverStore/store=redis/processes=1", impls: overStore, aim: 1.8, herd: true},
	{name: "redis, 4 processes", pkg: integration, path: "HerdOverStore/store=redis/processes=4", impls: overStore, aim: 1.8, herd: true},
	{name: "postgres, 1 process", pkg: integration, path: "HerdOverStore/store=postgres/processes=1", impls: overStore, aim: 1.6, herd: true},
	{name: "postgres, 4 processes", pkg: integration, path: "HerdOverStore/store=postgres/processes=4", impls: overStore, aim: 1.6, herd: true},
	{name: "dir, 1 process", pkg: integration, path: "HerdOverStore/store=dir/processes=1", impls: overStore, aim: 1.3, herd: true},
	{name: "dir, 4 processes", pkg: integration, path: "HerdOverStore/store=dir/processes=4", impls: overStore, aim: 1.3, herd: true},
}
