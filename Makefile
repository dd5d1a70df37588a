# Needs Node ≥ 20, npm and make. What else there is to install, Node 24 and PostgreSQL included, comes with npm.
.PHONY: run cluster test lint types token clean clean-data

run: node_modules/.installed
	@exec npm start --silent

# Three nodes and a balancer on this machine.
cluster: node_modules/.installed
	@exec npm run --silent cluster

test: node_modules/.installed
	@$(MAKE) --no-print-directory -j2 lint types
	@npm test --silent

lint types: node_modules/.installed
	@npm run --silent $@

# make token USER_ID=carol
USER_ID ?= alice
token: node_modules/.installed
	@npm run --silent token -- $(USER_ID)

# npm speaks up on older Node versions than ours, which is among what it installs.
node_modules/.installed: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf node_modules src/generated .tap

# A fresh database for `make run`. It may lie elsewhere, with a link to it (see the README).
clean-data:
	@test ! -e .data/postgres/data/postmaster.pid || { echo 'Stop Parley first.' >&2; exit 1; }
	rm -rf "$$(readlink -f .data/postgres)" .data
