# beforehand: `make help` lists what there is to make.

GO      ?= go
BIN     := bin/beforehand
TOOL    := $(GO) tool -modfile=tools/go.mod
PKGS    := ./...
# SQLite and its libc are C that a program has turned into Go. The race detector
# finds nothing of ours there, and they take nearly three times as long under it.
UNRACED := -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false
# Tests that go on side by side mostly wait: twice as many as there are
# processors. Under the race detector each program sleeps at its end, for a
# second unless it is told otherwise.
BESIDE  := $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
TEST    := GORACE=atexit_sleep_ms=50 $(GO) test -race $(UNRACED) -shuffle=on -timeout 30m -parallel $(BESIDE)

.DEFAULT_GOAL := help
.PHONY: help run build deps test prove bench peers check format vet staticcheck fix lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, and serve a made-up blog with a year of pageviews
	$(BIN) demo

build: ## build bin/beforehand
	$(GO) build -o $(BIN) ./cmd/beforehand

deps: ## install what the tests need, where that is possible
	@scripts/deps

test: deps ## run all tests, long proofs in their short form
	$(TEST) $(PKGS)

prove: deps ## run the long proofs whole: an hour or so
	BEFOREHAND_PROVE=1 $(GO) test -shuffle=on -timeout 120m $(PKGS)

bench: ## run the benchmarks: pageviews taken in, snapshots handed out, and all others
	$(GO) test -run '^$$' -bench . -benchmem $(PKGS)

peers: ## run the benchmarks beside other projects, in a module of their own
	cd bench && $(GO) test -run '^$$' -bench . -benchmem ./...

check: format vet staticcheck fix lint ## check format, vet, staticcheck, go fix and lint

format: ## fail where a file is not formatted
	@out=$$($(TOOL) gofumpt -l .) && test -z "$$out" || { echo "not formatted: $$out"; exit 1; }

vet:
	$(GO) vet $(PKGS)

staticcheck:
	$(TOOL) staticcheck $(PKGS)

fix: ## fail where go fix would change something
	$(GO) fix -diff $(PKGS)

lint:
	$(TOOL) golangci-lint run $(PKGS)

clean: ## remove what was built
	rm -rf bin
