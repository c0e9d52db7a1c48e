SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

FUZZTIME ?= 20s
BENCH ?= .
RUN ?=
COVERAGE := 90

# The folders of all modules, the root first.
MODULES := $(sort $(dir $(shell find . -name node_modules -prune -o -name testdata -prune -o -name go.mod -print)))
# The path of a program from the tool directives of internal/integration/go.mod, built if need be.
tool = $$(go -C internal/integration tool -n $(1))

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## whole logins, refreshes and refusals over real HTTP, told step by step
	go run ./cmd/csoauth demo

.PHONY: setup
setup: ## what internal/integration needs: npm packages; on Debian as root, programs too
	@internal/integration/setup.sh

.PHONY: test
test: setup ## every test: the root module with the race detector, then internal/integration
	go test -race -shuffle=on -count=1 ./...
	internal/integration/test.sh

.PHONY: laws
laws: ## break each law of the design and see its test fail (RUN=P4: only some)
	go run ./internal/laws -run '$(RUN)'

.PHONY: cover
cover: ## statement coverage of the packages that carry a login, at least 90 % each
	@go test -count=1 -coverpkg=.,./internal/...,./tokens,./httplogin,./loopback -coverprofile=cover.out . ./internal/emulator ./internal/atomicfile ./internal/browser ./internal/landing ./internal/seal ./tokens ./httplogin ./loopback ./csoauthtest ./cmd/...
	@low=0; \
	for part in 'root:csoauth/[^/]*\.go:' internal/emulator internal/atomicfile internal/browser internal/landing internal/seal tokens httplogin loopback; do \
		pattern=$${part#*:}; \
		{ echo 'mode: set'; grep "$${pattern/#$$part/csoauth/$$part/}" cover.out; } >cover.part.out; \
		percent=$$(go tool cover -func=cover.part.out | awk '$$1 == "total:" { print $$3 + 0 }'); \
		echo "$${part%%:*}: $$percent % of statements, at least $(COVERAGE)"; \
		awk "BEGIN { exit !($$percent >= $(COVERAGE)) }" || low=1; \
	done; \
	exit $$low

.PHONY: bench
bench: ## every benchmark (BENCH=regexp: only some)
	@for m in $(MODULES); do go -C $$m test -run '^$$' -bench '$(BENCH)' -benchmem ./...; done

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
lint: fmt vet staticcheck tidy cross vulnerabilities-if-reachable ## all that must print nothing: the next six

.PHONY: fmt
fmt: ## gofmt has nothing to change
	@files=$$(find . -name node_modules -prune -o -name '*.go' -print | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "gofmt -w is needed for:"; echo "$$files"; exit 1; fi

.PHONY: vet
vet: ## go vet, every module
	@for m in $(MODULES); do go -C $$m vet ./...; done

.PHONY: staticcheck
staticcheck: ## staticcheck, every module
	@staticcheck=$(call tool,staticcheck); \
	for m in $(MODULES); do (cd $$m && "$$staticcheck" ./...); done

.PHONY: tidy
tidy: ## go mod tidy has nothing to change, every module
	@for m in $(MODULES); do go -C $$m mod tidy -diff; done

.PHONY: cross
cross: ## every module and its tests build for Windows and macOS
	@for os in windows darwin; do for m in $(MODULES); do \
		GOOS=$$os go -C $$m build ./...; GOOS=$$os go -C $$m vet ./...; \
	done; done

.PHONY: vulnerabilities
vulnerabilities: ## govulncheck on the root module; fails if the database cannot be had
	@govulncheck=$(call tool,govulncheck); "$$govulncheck" -test ./...

# govulncheck exits with 3 if it found something and with 1 if it could not look.
.PHONY: vulnerabilities-if-reachable
vulnerabilities-if-reachable:
	@govulncheck=$(call tool,govulncheck); \
	out=$$("$$govulncheck" -test ./... 2>&1) && code=0 || code=$$?; \
	if [ $$code = 1 ] && grep -q 'fetching vulnerabilities' <<<"$$out"; then \
		echo "NOT CHECKED for vulnerabilities: the database cannot be reached from here. Run make vulnerabilities where it can."; \
	elif [ $$code != 0 ]; then \
		echo "$$out"; exit $$code; \
	fi
