# Everything that is done with this repository. `make` alone lists it.

# Which stack; each has a file Pulumi.<stack>.yaml.
STACK ?= dev
# The same, but empty where nobody named one.
NAMED_STACK := $(if $(filter file,$(origin STACK)),,$(STACK))
# A context of your kubeconfig to work on; without it the embedded cluster is meant.
KUBE_CONTEXT ?=
# Name of the embedded cluster; several can be there side by side.
CLUSTER ?= tracardi
# For `make down`: `keep` leaves data that the stack keeps in the cluster.
DATA ?=
# For `make test-policies`: anything has Pulumi judge every change that the tests try, not two for each rule.
THOROUGH ?=
# For `make test`: anything makes it fail where something is not run.
REQUIRE_ALL ?=
# For `make cluster-up`: `real` gives the cluster nodes that run containers (root on Debian).
NODES ?=
# For `make cluster-up`: how many nodes; where nothing is said 6, or 3 real ones.
COUNT ?=
# For `make plan`: requests a second in the long run and at the peak, and the share of them of new visitors (0 to 1).
RPS ?=
PEAK ?=
NEW ?=
# For `make bench`: `commands`, `scale` or `balancers` measures only these.
ONLY ?=

PYTHON ?= python3
VENV := .venv/bin
STACK_COMMAND = $(PYTHON) -m tools.stack
STACK_OPTIONS = --stack '$(STACK)' --context '$(KUBE_CONTEXT)' --cluster '$(CLUSTER)'

# In a shell that has evaluated `make env`, commands here find the PATH that it had before.
export PATH := $(subst $(TRACARDI_ENV_PATH),,$(PATH))

.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help
help: ## List the commands
	@echo 'make COMMAND [STACK=$(STACK)] [KUBE_CONTEXT=name] [CLUSTER=$(CLUSTER)]'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

# Stacks

.PHONY: up
up: ## From whatever is there to a running stack; prints its addresses
	@$(STACK_COMMAND) up $(STACK_OPTIONS)

.PHONY: preview
preview: ## What `up` would change, judged by the policy pack; the exit status is the verdict
	@$(STACK_COMMAND) preview $(STACK_OPTIONS)

.PHONY: preview-all
preview-all: ## `preview` of every stack file, as pull requests are judged
	@$(STACK_COMMAND) preview-all --context '$(KUBE_CONTEXT)' --cluster '$(CLUSTER)'

.PHONY: down
down: ## Remove what the stack made, with DATA=keep all but its data; its file stays
	@$(STACK_COMMAND) down $(STACK_OPTIONS) --data '$(DATA)'

.PHONY: env
env: ## For plain pulumi, kubectl and python on the same state: eval "$(make -s env)"
	@$(STACK_COMMAND) env $(STACK_OPTIONS)

.PHONY: plan
plan: python-environment ## What a load needs, touching nothing: RPS=3000 [PEAK=5000] [NEW=0.1], for the STACK if one is named
	@$(VENV)/python -m settings.plan --rps '$(RPS)' --peak '$(PEAK)' --new '$(NEW)' --stack '$(NAMED_STACK)'

# What stacks need; the commands above make it ready by themselves

.PHONY: tools
tools: ## Build or find Pulumi, its plugins, the embedded cluster's programs, the Python environment
	@$(PYTHON) -m tools.toolchain

.PHONY: cluster-up
cluster-up: ## Start the embedded cluster [COUNT=6]; with NODES=real [COUNT=3] its nodes run containers (root)
	@$(PYTHON) -m tools.cluster up --name '$(CLUSTER)' $(if $(NODES),--nodes '$(NODES)') $(if $(COUNT),--count '$(COUNT)')

.PHONY: cluster-down
cluster-down: ## Remove the embedded cluster, and the state of the stacks on it
	@$(PYTHON) -m tools.cluster down --name '$(CLUSTER)'

# Checks and tests

.PHONY: check
check: python-environment ## Format, lint, types, generated files up to date, manifests judged
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy .
	$(VENV)/python -m settings.schema --check
	$(VENV)/python -m settings.reference --check
	$(VENV)/python -m settings.scale --check
	$(VENV)/python -m policies.reference --check
	$(VENV)/python -m policies.pack.configuration
	@files=$$(gofmt -l tools/go) && test -z "$$files" || { echo "make check: gofmt failed, or would change: $$files" >&2; exit 1; }
	$(VENV)/python -m tests.manifests check

.PHONY: test
test: ## Every tier of tests that this machine allows, then what was not run; REQUIRE_ALL=1 fails for that
	@$(PYTHON) -m tools.tiers $(if $(REQUIRE_ALL),--require-all)

.PHONY: test-unit
test-unit: python-environment ## Tests that need neither Pulumi's engine nor a cluster
	$(VENV)/pytest --numprocesses auto -m '' tests/unit

.PHONY: test-policies
test-policies: pulumi-tools ## Tests of the policy pack; with THOROUGH=yes the slow ones as well
	$(VENV)/pytest $(if $(THOROUGH),-m '') --numprocesses auto tests/policies

.PHONY: test-cluster
test-cluster: tools ## Both stacks, and their variants, on embedded clusters of the tests' own; with THOROUGH=yes all variants
	@$(PYTHON) -m tools.toolchain ensure --group metrics
	$(VENV)/pytest -m '' --numprocesses 2 --dist loadfile tests/cluster --ignore tests/cluster/test_variants.py
	$(VENV)/pytest $(if $(THOROUGH),-m '') --numprocesses 2 --maxschedchunk 1 tests/cluster/test_variants.py

.PHONY: test-dataplane
test-dataplane: debian pulumi-tools ## The generated proxies with real traffic, in namespaces of the tests' own (root)
	$(VENV)/pytest -m '' tests/dataplane

.PHONY: test-real
test-real: $(if $(KUBE_CONTEXT),pulumi-tools,node-tools) ## The stacks on real nodes of the tests' own (root), or on KUBE_CONTEXT, a cluster for tests
	$(VENV)/pytest -m '' $(if $(KUBE_CONTEXT),--context '$(KUBE_CONTEXT)' tests/real,--numprocesses 2 --no-loadscope-reorder tests/contract tests/real)

.PHONY: bench
bench: ## The performance table: of commands, of scale, of balancers (root); ONLY=commands, scale or balancers
	@$(if $(filter balancers,$(ONLY)),,$(PYTHON) -m tools.bench $(ONLY))
	@$(if $(filter commands scale,$(ONLY)),,$(MAKE) --silent bench-balancers)

.PHONY: bench-balancers
bench-balancers: debian pulumi-tools
	@$(VENV)/python -m tests.dataplane.bench

# Upkeep

.PHONY: schema
schema: python-environment ## Write the generated files anew
	$(VENV)/python -m settings.schema
	$(VENV)/python -m settings.reference
	$(VENV)/python -m settings.scale
	$(VENV)/python -m policies.reference

.PHONY: clean
clean: ## Remove this clone's clusters and everything else that commands made in it
	@$(STACK_COMMAND) clean

.PHONY: trim-tools
trim-tools: ## Remove what only a rebuild of the toolchain needs: several gigabytes
	@$(PYTHON) -m tools.toolchain trim

.PHONY: clean-tools
clean-tools: ## Remove the toolchain, Debian's programs and the tests' images from the user's cache folder
	@$(PYTHON) -m tools.toolchain clean

.PHONY: python-environment
python-environment:
	@$(PYTHON) -m tools.toolchain ensure --group python

.PHONY: pulumi-tools
pulumi-tools:
	@$(PYTHON) -m tools.toolchain ensure --group pulumi

.PHONY: debian
debian:
	@$(PYTHON) -m tools.debian --namespaces

.PHONY: node-tools
node-tools:
	@$(PYTHON) -m tools.debian --set node --set images --namespaces
	@$(PYTHON) -m tools.toolchain ensure --group pulumi --group cluster --group nodes
