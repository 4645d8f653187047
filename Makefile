MAKEFLAGS += --warn-undefined-variables
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(shell find protos -name '*.proto' -not -path 'protos/gen/*')
PYTEST_OPTIONS ?=
RUN_OPTIONS ?=
LOCK_OPTIONS := --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help
help: ## 列出各个目标 (list the targets)
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F '\t' '{printf "  make %-18s%s\n", $$1, $$2}'

# --- setting up ------------------------------------------------------------------------------

.PHONY: venv
venv: $(VENV)/.installed $(VENV)/.contracts ## 建立虚拟环境并安装依赖，有变化才重做 (virtual environment)

$(VENV)/.installed: requirements.lock pyproject.toml setup.py infra/local/make_venv.sh
	@infra/local/make_venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@ $(VENV)/.contracts

$(VENV)/.contracts: $(PROTOS) infra/contracts.py | $(VENV)/.installed
	@$(BIN)/python -m infra.contracts
	@touch $@

.PHONY: protos
protos: venv ## 由 protos 生成 Python 代码 (generate the contracts' code)
	@$(BIN)/python -m infra.contracts

.PHONY: protos-release
protos-release: venv ## 把当前 protos 定为兼容性检查的基准，发布时执行 (the contracts of a release)
	cd protos && ../$(BIN)/buf build --exclude-source-info -o image.binpb

.PHONY: lock
lock: ## 按 pyproject.toml 重新锁定依赖版本 (pin the versions anew)
	uv pip compile $(LOCK_OPTIONS) --all-extras --upgrade pyproject.toml -o requirements.lock
	uv pip compile $(LOCK_OPTIONS) --constraint requirements.lock pyproject.toml -o infra/docker/requirements.lock

.PHONY: system-test-deps
system-test-deps: ## 安装测试所需的 Chromium、中文字体与 Tesseract，需要 root (the one step that needs root)
	@infra/local/system_test_deps.sh

# --- running ---------------------------------------------------------------------------------

.PHONY: run
run: venv ## 启动整个平台并留在前台，Ctrl-C 停止 (everything, in the foreground)
	@exec $(BIN)/python -m infra.local run $(RUN_OPTIONS)

.PHONY: up
up: venv ## 在后台启动整个平台，就绪后返回 (everything, in the background)
	@exec $(BIN)/python -m infra.local up $(RUN_OPTIONS)

.PHONY: down
down: ## 停止后台的平台 (stop what `up` started)
	@if [ -x $(BIN)/python ]; then exec $(BIN)/python -m infra.local down; fi

.PHONY: status
status: ## 各进程的状态 (how every process is)
	@exec $(BIN)/python -m infra.local status

# --- proving ---------------------------------------------------------------------------------

.PHONY: lint
lint: venv ## 格式、静态检查、类型、导入规则、接口兼容 (format, lint, types, import rules, protos)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint
	cd protos && ../$(BIN)/buf breaking --path zhengtong --against image.binpb

.PHONY: test
# In the order of the folders: the journeys of one platform follow each other and start it once,
# and the many short unit tests at the end keep both processes busy to the last.
test: venv system-test-deps ## 全部测试，除去费时很长的 (all tests but the long ones)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long" $(PYTEST_OPTIONS)

.PHONY: test-long
test-long: venv system-test-deps ## 费时很长的测试，逐个运行 (the long tests, one by one)
	$(BIN)/pytest -m long $(PYTEST_OPTIONS)

.PHONY: relevance
relevance: venv ## 用评判过的查询衡量一站式查询，写入 .run/relevance.html (how well judged queries are answered)
	$(BIN)/python -m tests.e2e.relevance

.PHONY: bench
bench: venv ## 与裸基线并排测量，写入 .run/bench.json (ratios against bare baselines)
	$(BIN)/python -m tests.bench

# --- tidying ---------------------------------------------------------------------------------

.PHONY: clean
clean: down ## 删除虚拟环境、生成的代码和 .run 里的全部数据 (remove all that was made, data too)
	rm -rf $(VENV) .run protos/gen build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
