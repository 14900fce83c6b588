# What a developer and the build server run. Every step is a script in scripts/; each says what it does.
.PHONY: test soak bench bench-curve bench-peers fmt clean-test

# Everything, from nothing: installs what is missing, then checks, unit tests, official clients, crash test.
test:
	@scripts/install.sh
	@scripts/with-postgres.sh scripts/test.sh

# The same with the full counts, and documentation, doc tests and dependency rules on top.
soak:
	@scripts/install.sh
	@scripts/with-postgres.sh scripts/soak.sh

# What the server can do, in ratios (docs/BENCHMARKS.md). One scenario: make bench SCENARIO=webhook. On PostgreSQL
# too: make bench POSTGRES=postgres://postgres@127.0.0.1:5432/postgres. More rounds: make bench ROUNDS=5. WRITE=1 puts
# the tables into the page.
bench:
	@POSTGRES='$(POSTGRES)' ROUNDS='$(ROUNDS)' WRITE='$(WRITE)' scripts/bench.sh $(SCENARIO)

# How cost grows with what has gathered, up to 10,000,000 messages: it says first how much disk it needs. With
# WRITE=1 figures and drawing go into docs/. Less of it: make bench-curve LARGEST=1000000. POSTGRES and ROUNDS as above.
bench-curve:
	@POSTGRES='$(POSTGRES)' ROUNDS='$(ROUNDS)' LARGEST='$(LARGEST)' WRITE='$(WRITE)' scripts/bench-curve.sh

# Installs the others that `make bench SCENARIO=peers` measures beside the server; root is needed for two of the four.
bench-peers:
	@scripts/install-peers.sh $(PEERS)

fmt:
	cargo fmt --all

# Forgets the Python and Node environments and the logs; the next run installs them again.
clean-test:
	rm -rf .test sdk-tests/node/node_modules sdk-tests/cli/node_modules sdk-tests/client/node_modules
