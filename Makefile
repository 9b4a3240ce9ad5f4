# Commands for contributors. The checks themselves are in .ci/run, so that a
# desk and the CI run the same ones.

.DEFAULT_GOAL := help
.PHONY: help check test test-time lines race fuzz bench bench-bulk bench-tree bench-index bench-peers scores bench-smoke soak cross lint mutants fmt story capi capi-bench playground

FUZZTIME ?= 60
FUZZ     ?= .
BENCH    ?= .
COUNT    ?= 6

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r t d; do printf '%-12s %s\n' "$$t" "$$d"; done

check: ## everything that a change must pass (bash .ci/run)
	bash .ci/run

playground: ## build bin/playground/index.html; open it from disk or serve it from any host
	go run ./web/playground/pack -o bin/playground/index.html

story: ## README's first command: a server impersonates a client
	go run ./examples/impersonation

test: ## all tests; prints the skipped ones and why at the end
	go run ./internal/test/measure test ./...

test-time: ## time of `go test ./...` in both modules from an empty build cache: compiling, vet, linking, running
	go run ./internal/test/measure time
	go run ./internal/test/measure time server

lines: ## lines of code by part, without blank lines and comments
	go run ./internal/test/measure lines

race: ## the tests of concurrent packages under the race detector
	bash .ci/run race

fuzz: ## fuzz each target FUZZTIME seconds (60); FUZZ=pattern selects
	FUZZ_SECONDS=$(FUZZTIME) FUZZ_TOTAL=$$((1000 * $(FUZZTIME))) FUZZ='$(FUZZ)' bash .ci/run fuzz

bench: ## benchmarks, COUNT rounds each (6); BENCH=pattern selects
	go test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(COUNT) ./...

bench-peers: ## compare speed with Samba, cedar-go, casbin and OPA on the same questions; installs Debian packages as root
	-bash bench/peers/install.sh
	cd bench/peers && go run -mod=readonly $$(pkg-config --exists ndr talloc && echo -tags=samba) .
	cd bench/peers/auditpeers && go test -mod=readonly -run=. -bench=. -v

scores: ## ask Samba, Wine and other implementations the kit's questions: makes the table of docs/scores.md; installs Debian packages as root
	go -C vectors/adapters run -mod=readonly ./scores

bench-smoke: ## every benchmark once, to check that it still works
	bash .ci/run bench

bench-bulk: ## bulk questions from file to file: makes the table of docs/performance.md
	REFMON_BENCH_BULK=1 go test -v -count=1 -run=TestMeasureBulkVerbs ./cmd/refmon
	go test -run='^$$' -bench=. -benchmem ./effective

bench-tree: ## bulk questions over a real tree of a million files; creates it in TREE (default /tmp) and removes it
	REFMON_BENCH_TREE=$(or $(TREE),/tmp) go test -v -count=1 -timeout=1h -run=TestMeasureRunsOverRealTree ./internal/cli/bulk

bench-index: ## the live index with a million documents: first load, group change, filter of 5,000 classes, change to row, 50 documents over the socket, a search in PostgreSQL
	REFMON_DOCS=1000000 go -C server test -run='^$$' -bench='Change|FirstLoad' -benchtime=2x -timeout=1h ./index
	go -C server test -run='^$$' -bench='Filter|BenchmarkChange' -benchtime=300x ./index
	go -C server test -run='^$$' -bench=Watcher -benchtime=2x ./index
	REFMON_DOCS=1000000 go -C server test -run='^$$' -bench=CanRead50 ./index/queries
	go -C server test -run='^$$' -bench=Search -benchtime=9x ./index/postgres

soak: ## a day: 10^7 pairs, every DACL of 4 entries, all tests at full size with the race detector, drills, 8 hours of load, 10 minutes per fuzz target; needs Debian's xfsprogs, btrfs-progs, qemu-user-static
	REFMON_SEED=clock REFMON_PAIRS=10000000 REFMON_SCOPE=4 bash .ci/run twins
	REFMON_DEEP=1 REFMON_SEED=clock go test -race -count=1 -timeout=6h ./...
	REFMON_EDITS=100000 REFMON_KILLS=1000 go test -count=1 -timeout=2h -run 'TestVerifyDetectsEveryBitFlip|TestKilledWriterKeepsAcknowledgedRecords' -v ./auditlog
	REFMON_SEED=clock REFMON_OPENS=10000 go test -count=1 -run='^(TestRandomOperationsMatchAccessChecks|TestSambaAndTreeDecideAlike)$$' -v ./hostfs
	REFMON_SEED=clock REFMON_CONTEST=60s REFMON_OPENS=10000 go -C server test -race -count=1 -run='^(TestConcurrentChangesLeakNothing|TestMountEqualsFileServer)$$' -v ./mount
	REFMON_KILLS=1000 go -C server test -count=1 -timeout=2h -run TestKillLosesNoAcknowledgedChange -v ./cmd/refmond
	REFMON_SEED=clock REFMON_INDEX_FILES=100000 REFMON_INDEX_PEOPLE=1000 REFMON_INDEX_CHANGES=10000 REFMON_KILLS=50 \
		go -C server test -count=1 -timeout=2h -run='^TestAnswersStayRightAcrossKills$$' -v ./index
	REFMON_SEED=clock REFMON_PAIRS=100000 go -C server test -count=1 -run='^TestIndexAgreesWithWhoCan$$' -v ./index
	REFMON_SEED=clock REFMON_SAMBA_PAIRS=100000 go -C server test -count=1 -timeout=1h -run='^TestIndexEqualsSamba$$' -v ./index
	REFMON_SEED=clock REFMON_STORE_MESSAGES=12000 go -C server test -count=1 -timeout=1h -run='^TestStoreRowsEqualCursor$$' -v \
		./index/postgres
	REFMON_SEED=clock REFMON_STORE_FAULTS=40 go -C server test -count=1 -timeout=1h -run='^TestRestartedFollowerMatchesFreshRun$$' -v \
		./index/cluster/stages
	REFMON_SEED=clock REFMON_ELECTIONS=real REFMON_CLUSTER_FAULTS=50 REFMON_CLUSTER_FILES=20000 REFMON_CLUSTER_PEOPLE=300 \
		REFMON_CLUSTER_CHANGES=10000 go -C server test -count=1 -timeout=3h -run='^TestClusterSurvivesKills$$' -v ./cmd/refmon-index
	REFMON_CLUSTER_PAIRS=100000 go -C server test -count=1 -timeout=1h -run='^TestClusterEqualsWhoCan$$' -v ./cmd/refmon-index
	REFMON_SEED=clock REFMON_CLUSTER_SAMBA_PAIRS=100000 go -C server test -count=1 -timeout=1h -run='^TestClusterEqualsSamba$$' \
		-v ./cmd/refmon-index
	REFMON_SOAK=required REFMON_SAMBA=required REFMON_WEB=required go -C server test -count=1 -run='^TestTicketAccessEqualsRefmonAccess$$' -v ./cmd/refmon-gateway
	REFMON_SAMBA=required REFMON_ACCOUNTS=100000 go -C server test -count=1 -timeout=2h -run='^TestLDAPExportHasEveryAccount$$' -v ./auth/ldap
	REFMON_DRILLS=1 go -C server test -count=1 -timeout=1h -run='^TestRestoreOntoEmptyMachine$$' -v ./internal/test/drills
	REFMON_DRILLS=1 go -C server test -count=1 -timeout=1h -run='^TestExhaustedResourcesGrantNoAccess$$' -v ./internal/test/drills
	REFMON_DRILLS=1 go -C server test -count=1 -timeout=1h -run='^TestDaemonsGrantTheSameAcrossClockChanges$$' -v ./internal/test/drills
	REFMON_DRILLS=1 go -C server test -count=1 -timeout=2h -run='^TestFileTestsPassOnXfsBtrfsAndOverlayfs$$' -v ./internal/test/drills
	REFMON_LOAD=8h go -C server test -count=1 -timeout=9h -run='^TestMixedLoadIsFlat$$' -v ./internal/test/drills
	GOARCH=arm64 go test -count=1 -short -exec qemu-aarch64-static ./sid ./sd ./sddl ./claims ./token ./access ./fileaccess ./ntacl ./audit ./effective
	$(MAKE) fuzz FUZZTIME=600

mutants: ## an hour or more: runs the tests against every recorded mutant and prints a table
	REFMON_DEEP=1 go run ./internal/test/mutants/run -table

cross: ## build for js/wasm and 386, check types for darwin, windows, arm64
	bash .ci/run pure cross

capi: ## the C libraries, their headers and pkg-config files into build/capi
	bash capi/build.sh

lint: ## gofmt, vet, golangci-lint, imports, rule ids
	bash .ci/run format vet lint rules

fmt: ## format the sources with gofmt -w
	gofmt -w $$(find . -name '*.go' -not -path './.git/*')

capi-bench: capi ## benchmark calls through librefmon.so and librefmonk.so
	cc -O2 -std=gnu11 -Ibuild/capi/include -o build/capi/bench capi/tests/bench/bench.c -Lbuild/capi/lib -lrefmon -Wl,-rpath,$(CURDIR)/build/capi/lib
	build/capi/bench
	cc -O2 -std=gnu11 -Ibuild/capi/include -o build/capi/bench-kernel capi/tests/bench/kernel.c -Lbuild/capi/lib -lrefmonk -lrefmon -Wl,-rpath,$(CURDIR)/build/capi/lib
	build/capi/bench-kernel

# --- install and release: packaging/ ---------------------------------------

.PHONY: install install-c uninstall dist package
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
VERSION := $(shell cat VERSION)
STAMP   := -ldflags '-X main.release=v$(VERSION)'
LDCONFIG ?= ldconfig

install: install-c ## install commands and the C library into PREFIX (/usr/local), below DESTDIR
	CGO_ENABLED=0 go build $(STAMP) -o '$(DESTDIR)$(PREFIX)/bin/' ./cmd/refmon ./cmd/refmon-verify
	CGO_ENABLED=0 go -C server build $(STAMP) -o "$$(cd '$(DESTDIR)$(PREFIX)/bin' && pwd)/" ./cmd/refmond ./cmd/refmon-gateway ./cmd/refmon-index

install-c: capi ## the C library alone: LIBDIR (PREFIX/lib), headers, pkg-config files
	bash packaging/install-c.sh build/capi '$(DESTDIR)' '$(PREFIX)' '$(LIBDIR)'
	[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || $(LDCONFIG)

uninstall: ## remove what install installed
	rm -f $(foreach p,refmon refmon-verify refmond refmon-gateway refmon-index,'$(DESTDIR)$(PREFIX)/bin/$(p)')
	rm -rf '$(DESTDIR)$(PREFIX)/include/refmon'
	rm -f '$(DESTDIR)$(LIBDIR)'/librefmon* '$(DESTDIR)$(LIBDIR)'/pkgconfig/refmon.pc '$(DESTDIR)$(LIBDIR)'/pkgconfig/refmonk.pc

dist: ## build the release into dist/: archives, deb, rpm, wheel, sums, bill of materials
	bash packaging/build.sh dist

package: ## test the packages in a fresh Debian root, as root
	bash .ci/run package
