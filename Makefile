SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

FUZZTIME ?= 20s
BENCH ?= .
PART ?=
ROWS ?=
RUN ?=
BUSY ?= 5
SEEDS ?= 300
PKG ?= ./...

# The least coverage of each package, in percent of its statements. Raise a figure when its package stays above it; never lower one.
# (What internal/turn does at a terminal of its own is tried in processes of their own, which do not count here.)
COVERAGE := csoauth:99 tokens:95 httplogin:97 loopback:96 csoauthtest:99 csapi:97 clilogin:92 tokens/keyring:90 internal/turn:80 tokens/redisstore:99 tokens/pgstore:99 tokens/storetest:85 cmd/csoauth:90 \
	internal/bearer:99 internal/untrusted:98 internal/useragent:90 internal/atomicfile:97 internal/browser:98 internal/emulator:98 internal/emulator/markup:99 internal/landing:99 internal/observed:97 internal/probe:90 internal/seal:93

# The folders of all modules, the root first.
MODULES := $(sort $(dir $(shell find . -name node_modules -prune -o -name testdata -prune -o -name go.mod -print)))
# Those that make lint checks. The module metrics compiles Prometheus: make test-metrics checks it.
LINTED := $(filter-out ./internal/integration/metrics/,$(MODULES))
# The build tags that keep tests out of go test: those of make clients, test-disk and test-probe.
TAGS := clients,fulldisk,realtime
# The path of a program from the tool directives of internal/integration/go.mod, built if need be.
tool = $$(go -C internal/integration tool -n $(1))

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## whole logins, refreshes and refusals over real HTTP, told step by step
	go run ./cmd/csoauth demo

.PHONY: setup
setup: ## what internal/integration needs: npm packages; on Debian as root, programs too
	@internal/integration/setup.sh

.PHONY: test
test: setup ## every test: the root module with the race detector, the store in NATS, then internal/integration
	@internal/step.sh 'root module' $(MAKE) test-root
	@internal/step.sh 'model and simulation' $(MAKE) test-model
	@internal/step.sh 'examples/natsstore' $(MAKE) test-natsstore
	@internal/step.sh 'internal/integration' internal/integration/test.sh

.PHONY: clients
clients: ## Contentstack's command csdx, unmodified, at the emulator under Contentstack's host names (installs 312 MB)
	@internal/integration/setup.sh clients
	@go -C internal/integration test -tags=clients -count=1 -timeout=20m -v -run '^TestCsdx' .

# One run serves the race detector and the coverage.
.PHONY: test-root
test-root: ## the tests of the root module alone
	@go test -race -shuffle=on -count=1 -timeout=30m -covermode=atomic -coverpkg=./... -coverprofile=cover.out ./... | \
		sed -u 's/\tcoverage:.*//' # each line has the share of one package's tests in the whole module

.PHONY: test-model
test-model: ## the model and the simulation, in more depth than the race detector has time for
	go test -count=1 -timeout=30m ./tokens -run 'KeepsTheLaws|CutAtEveryByte|Interleaving|Simulation|HolderThatRuns' \
		-args -model-switches=2 -sim-seeds=100 -holder-logins=100

.PHONY: test-natsstore
test-natsstore: ## the example of a store of one's own, in NATS, which is a module of its own
	@go -C examples/natsstore test -shuffle=on -count=1 -timeout=20m ./...

.PHONY: simulate
simulate: ## whole token managers for hours of simulated time, by the seeds 1 to SEEDS (300)
	go test -count=1 -timeout=24h ./tokens -run 'TestSimulation$$' -v -args -sim-seeds=$(SEEDS)

.PHONY: laws
laws: ## break each law of the design and see its test fail (RUN=P4: only some)
	go run ./internal/laws -run '$(RUN)'
	@$(MAKE) laws-table

.PHONY: laws-table
laws-table: ## which tests prove each law, and which files break it (RUN=P4: only some)
	@go run ./internal/laws -table -run '$(RUN)'

cover.out: $(wildcard $(shell git ls-files '*.go' 2>/dev/null))
	@$(MAKE) test-root

.PHONY: cover
cover: cover.out ## statement coverage against the list above, from the last make test if nothing has changed since
	@internal/cover.sh cover.out $(COVERAGE)

.PHONY: nightly
nightly: ## what takes too long for every change, one after the other, to the end
	@failed=; \
	for step in fuzz test-long test-disk test-probe test-metrics test-busy test-386 windows cross vulnerabilities; do \
		internal/step.sh $$step $(MAKE) $$step || failed="$$failed $$step"; \
	done; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi

.PHONY: test-long
test-long: setup ## the random tests with many rounds: simulation, model, kills and crowds; and a login a second for a day
	go test -count=1 -timeout=30m ./internal/emulator -run TestADayOfLogins -args -day-logins=86400
	go test -count=1 -timeout=4h ./tokens -run 'TestSimulation$$' -v -args -sim-refreshes=100000
	go test -count=1 -timeout=2h ./tokens -run 'Kill|Crowd|Interleaving' -v -args -model-switches=2 \
		-kills=100 -random-kills=3000 -crowd-processes=8 -crowd-keys=50 -crowd-rotations=20
	internal/integration/test.sh -timeout=2h -run 'TestStore' -args -store-rounds=10
	internal/integration/test.sh -timeout=2h -run 'Crowd' -parallel=1 -args \
		-crowd-processes=6 -crowd-keys=60 -crowd-rotations=5 -crowd-lifetime=5s

.PHONY: test-disk
test-disk: ## logins in a directory on a disk that is full now and then; it mounts one, as root on Linux
	go test -count=1 -tags=fulldisk ./tokens -run TestHolderOnAFullDisk -v

.PHONY: test-probe
test-probe: ## a probe of the emulator in real time, and one with each response lost: six minutes
	go test -count=1 -timeout=30m -tags=realtime ./internal/probe -v -run 'RealTime|Trouble' -each=1

.PHONY: test-metrics
test-metrics: ## the metrics and the alerts of docs/guides/operations.md, with vet and staticcheck; it compiles Prometheus
	@$(MAKE) vet staticcheck LINTED=./internal/integration/metrics/
	go -C internal/integration/metrics test -count=1 -timeout=20m ./...

.PHONY: test-busy
test-busy: ## make test BUSY times (5), on a machine that four endless loops keep busy
	@for n in $$(seq $(BUSY)); do internal/busy.sh $(MAKE) test; done

.PHONY: test-386
test-386: ## the tests of the root module where an int has 32 bits
	GOARCH=386 CGO_ENABLED=0 go test -count=1 -timeout=30m ./...

.PHONY: windows
windows: ## the tests of the root module as Windows programs, under Wine (PKG=./tokens: only some)
	go run ./internal/windows $(PKG)

.PHONY: bench
bench: ## every benchmark (BENCH=regexp: only some)
	@for m in $(MODULES); do go -C $$m test -run '^$$' -bench '$(BENCH)' -benchmem ./...; done

.PHONY: scale
scale: ## what a Manager does at scale, for docs/scale.md: 15 minutes (PART=cold: one part, printed)
	@go -C internal/integration run ./scale -part '$(PART)'
	@[ -n '$(PART)' ] || $(MAKE) figures

.PHONY: bench-report
bench-report: ## csoauth, x/oauth2 and the true limit, for docs/benchmarks.md: half an hour (ROWS=Exchange: some, printed)
	@go -C internal/integration run ./benchreport -rows '$(ROWS)'
	@[ -n '$(ROWS)' ] || $(MAKE) figures

.PHONY: figures
figures: ## draw the pictures in docs/figures, and copy what was measured into the pages
	@go -C internal/integration run ./figures

.PHONY: docs
docs: figures ## make figures, and the screenshots in docs/figures/screens; needs Linux, and the ports 8184 and 8484
	@internal/integration/setup.sh screens
	@go -C internal/integration run ./screens

.PHONY: size
size: ## how large the smallest program is that uses each package
	@internal/size.sh

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (20s)
	@packages=$$(go list ./...); \
	for pkg in $$packages; do \
		targets=$$(go test -list '^Fuzz' $$pkg); \
		for target in $$(grep ^Fuzz <<<"$$targets"); do \
			echo "== $$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
		done; \
	done

.PHONY: lint
lint: ## all that finds nothing: the next eight
	@for step in fmt words figures-check vet staticcheck tidy systems vulnerabilities-if-reachable; do internal/step.sh $$step $(MAKE) $$step; done

.PHONY: fmt
fmt: ## gofmt has nothing to change
	@files=$$(find . -name node_modules -prune -o -name '*.go' -print | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "gofmt -w is needed for:"; echo "$$files"; exit 1; fi

.PHONY: words
words: ## comments and pages are in plain words, no comment is too wide, and links lead somewhere
	@go test -count=1 ./internal/archtest -run '^Test(Prose|Links|NamedPages)'

.PHONY: figures-check
figures-check: ## the pictures in docs/figures, and the tables that were measured, are up to date
	@go -C internal/integration run ./figures -check

.PHONY: vet
vet: ## go vet, every module but metrics
	@for m in $(LINTED); do go -C $$m vet -tags=$(TAGS) ./...; done

.PHONY: staticcheck
staticcheck: ## staticcheck, every module but metrics
	@staticcheck=$(call tool,staticcheck); \
	for m in $(LINTED); do (cd $$m && "$$staticcheck" -tags=$(TAGS) ./...); done

.PHONY: tidy
tidy: ## go mod tidy has nothing to change, every module
	@for m in $(MODULES); do go -C $$m mod tidy -diff; done

.PHONY: systems
systems: ## the root module type-checks, with its tests, for Windows, macOS and 32 bits
	@go -C internal/integration run ./systems windows/amd64 darwin/arm64 linux/386

# Systems on which we only know that the module builds.
BUILDS := aix/ppc64 plan9/amd64 freebsd/amd64 js/wasm android/arm64

.PHONY: cross
cross: ## go vet for these systems, internal/integration too; for further systems, the root module builds
	@for system in windows/amd64 darwin/arm64 linux/386 linux/arm; do echo $$system; $(on) go vet $(FAST) ./...; done
	@for system in $(BUILDS); do echo $$system; $(on) go build $(FAST) ./...; done
	@for system in windows/amd64 darwin/arm64; do echo internal/integration $$system; $(on) go -C internal/integration vet $(FAST) ./...; done

# What is compiled to see that it compiles needs no optimization.
FAST := '-gcflags=all=-N -l'
# The environment of a system such as linux/arm.
on = GOOS=$${system%/*} GOARCH=$${system\#*/} CGO_ENABLED=0

.PHONY: vulnerabilities
vulnerabilities: ## govulncheck on every module; fails if the database cannot be had
	@govulncheck=$(call tool,govulncheck); \
	for m in $(MODULES); do echo "govulncheck in $$m"; (cd $$m && "$$govulncheck" -test ./...); done

# govulncheck exits with 3 if it found something and with 1 if it could not look.
.PHONY: vulnerabilities-if-reachable
vulnerabilities-if-reachable:
	@govulncheck=$(call tool,govulncheck); \
	for m in $(MODULES); do \
		out=$$(cd $$m && "$$govulncheck" -test ./... 2>&1) && code=0 || code=$$?; \
		if [ $$code = 1 ] && grep -q 'fetching vulnerabilities' <<<"$$out"; then \
			echo "NOT CHECKED for vulnerabilities: the database cannot be reached from here. Run make vulnerabilities where it can."; \
			break; \
		elif [ $$code != 0 ]; then \
			echo "$$out"; exit $$code; \
		fi; \
	done
