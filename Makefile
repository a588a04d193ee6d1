# 办结 Banjie. `make` alone prints what there is.
#
# A machine needs only Python 3.11+ (with its venv module) and make; no compiler, no Docker, no database.
# Everything is installed into .venv from a lock in which every file is hashed.

PYTHON ?=
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := PIP_USER=0 $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

##@ 运行 Run

.PHONY: run
run: $(VENV)/.run-stamp ## 启动全部服务(自带数据库和队列),Ctrl-C 停止 | everything, until Ctrl-C
	@exec $(BIN)/banjie up

.PHONY: replay
replay: $(VENV)/.run-stamp ## 重放文章里的案例,逐个核对公布的数字 | the articles' figures, published beside measured
	@exec $(BIN)/banjie replay all

.PHONY: migrate
migrate: $(VENV)/.run-stamp ## 把数据库升级到最新版本 | bring the database up to date
	@exec $(BIN)/banjie migrate

##@ 验证 Prove

.PHONY: check
check: $(VENV)/.dev-stamp ## 静态检查,不需要网络 | everything that can be checked without running it
	@echo '· ruff: rules';                 $(BIN)/ruff check
	@echo '· ruff: format';                $(BIN)/ruff format --check
	@echo '· mypy: strict types';          $(BIN)/mypy
	@echo '· import-linter: who may import whom'; $(BIN)/lint-imports
	@echo '· yamllint: every YAML file';   $(BIN)/yamllint --strict .
	@echo '· hadolint: docker/Dockerfile'; $(BIN)/hadolint docker/Dockerfile
	@echo '· compose.yaml against the Compose specification'; \
	  $(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml
	@echo '· locks: hashed, no hosts, one version of each package'; $(check-locks)

# As many processes as there are cores, four at most, each with servers of its own; a file stays in one of them.
beside = --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

.PHONY: test
test: $(VENV)/.dev-stamp ## 全部测试(长时间的故障测试除外) | all tests but the long chaos
	@exec $(BIN)/pytest -m 'not chaos_long and not large' $(beside)

.PHONY: fuzz
fuzz: $(VENV)/.dev-stamp ## 按 OpenAPI 文档乱敲每个接口 | schemathesis over every operation
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} exec $(BIN)/pytest tests/fuzz

.PHONY: bulletins
bulletins: $(VENV)/.dev-stamp ## 把大部头的通报按台账导入,逐个核对 | the large bulletins as ledgers, figure for figure
	@exec $(BIN)/pytest tests/acceptance -m large

.PHONY: chaos
chaos: $(VENV)/.dev-stamp ## 负载下反复杀进程,数据一条不少 | kill processes under load, count afterwards
	@exec $(BIN)/pytest tests/flow -m chaos_long -s

.PHONY: bench-metrics
bench-metrics: $(VENV)/.dev-stamp ## 测量千万张工单下的指标 | figures at scale: TICKETS=10000000 is what is promised
	@exec $(BIN)/python -m tests.bench.metrics

.PHONY: bench-photos
bench-photos: $(VENV)/.dev-stamp ## 测量照片上传及其对提交的影响 | a photo of 12 MP, and what others feel of it
	@exec $(BIN)/python -m tests.bench.photos

.PHONY: bench-worklist
bench-worklist: $(VENV)/.dev-stamp ## 测量十万件在办时的待办首页 | a worklist's first page: WORKLIST=100000 open tickets
	@exec $(BIN)/python -m tests.bench.worklist

.PHONY: bench
bench: $(VENV)/.dev-stamp ## 测量吞吐和延迟 | throughput and latency on this machine
	@exec $(BIN)/python -m tests.bench

##@ 修改 Change

.PHONY: format
format: $(VENV)/.dev-stamp ## 排版并修正能自动修正的 | format, and fix what can be fixed
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

.PHONY: revision
revision: $(VENV)/.dev-stamp ## 新的数据库迁移:make revision m="说明" | a new, empty migration
	@test -n "$$m" || { echo '请写明 / say what it does: make revision m="…"' >&2; exit 2; }
	@last=$$(ls migrations/versions | sed -n 's/^\([0-9]\{4\}\)_.*\.py$$/\1/p' | sort | tail -n 1); \
	  $(BIN)/alembic -c migrations/alembic.ini revision --rev-id "$$(printf %04d "$$(expr "$${last:-0}" + 1)")" -m "$$m"

# Versions already locked are kept; `make lock flags=--upgrade` moves all of them.
# The run lock comes first and binds the others, so that one virtual environment serves all.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: lock
lock: $(VENV)/.dev-stamp ## 按 pyproject.toml 重新锁定依赖(需要网络) | lock again after a change; needs the network
	$(COMPILE) $(flags) --extra embedded --extra build pyproject.toml -o requirements.lock
	$(COMPILE) $(flags) --extra embedded --extra build --extra train --extra s3 --extra dev -c requirements.lock \
	  pyproject.toml -o requirements-dev.lock
	$(COMPILE) $(flags) -c requirements.lock pyproject.toml -o docker/requirements.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	  | $(COMPILE) $(flags) -c requirements.lock - -o docker/build.lock
	@$(check-locks)

.PHONY: clean
clean: ## 删除缓存;不动 .venv,也不动 .banjie 里的数据 | caches only, never .venv, never the data
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find services shared migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +

##@ 其它 Other

.PHONY: help
help: ## 这一页 | this page
	@printf '用法 Usage: make <目标 target>\n'
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { split($$2, text, " \\| "); printf "  %-10s %s\n  %-10s   %s\n", $$1, text[1], "", text[2] }' \
	  $(firstword $(MAKEFILE_LIST))

# --- the virtual environment ---------------------------------------------------------------------------
# One .venv. `make run` installs what runs; whatever checks or tests adds the tools. The second lock holds
# all of the first at the same versions (`make check` compares them), so installing it satisfies both.
# The stamps are written last: an installation cut short is simply done again.

$(VENV)/.run-stamp: requirements.lock pyproject.toml
	@$(create-venv)
	@echo '安装依赖(第一次约一分钟)| installing from requirements.lock, about a minute the first time'
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev-stamp: requirements.lock requirements-dev.lock pyproject.toml
	@$(create-venv)
	@echo '安装依赖和开发工具(第一次一到两分钟)| installing from requirements-dev.lock, a minute or two the first time'
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $(VENV)/.run-stamp $@

# Looks for a Python that has a wheel for everything in the lock (3.11 to 3.14), then for any newer one.
# A .venv that no longer works (its Python was upgraded away) is made anew.
define create-venv
if $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
found=; \
for top in 15 99; do \
  bare=; old=; \
  for candidate in $(if $(PYTHON),'$(PYTHON)',python3 python3.14 python3.13 python3.12 python3.11 python); do \
    version=$$("$$candidate" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null) || continue; \
    major=$${version% *}; minor=$${version#* }; \
    if [ "$$major" -ne 3 ] || [ "$$minor" -lt 11 ]; then old="$$old $$candidate=$$major.$$minor"; continue; fi; \
    [ "$$minor" -lt "$$top" ] || continue; \
    if ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then bare="$$bare python3.$$minor"; continue; fi; \
    found=$$candidate; break 2; \
  done; \
done; \
if [ -z "$$found" ] && [ -n "$$bare" ]; then \
  set -- $$bare; \
  printf '%s\n' "找到了 $$1,但缺少 venv 模块。Debian/Ubuntu 请运行: apt install python3-venv (或 $$1-venv),然后重试。" \
    "Found $$1, but without its venv module. On Debian/Ubuntu: apt install python3-venv (or $$1-venv), then try again." >&2; exit 1; \
elif [ -z "$$found" ]; then \
  printf '%s\n' "需要 Python 3.11 或更高版本;这里只有:$${old:- 无}。装好后重试,或指定: make PYTHON=/路径/python3.12 run" \
    "Python 3.11 or newer is needed; here is only:$${old:- none}. Install one, or name it: make PYTHON=/path/to/python3.12 run" >&2; exit 1; \
fi; \
echo "建立 $(VENV) | creating $(VENV) with $$("$$found" --version)"; \
"$$found" -m venv --clear $(VENV)
endef

# A lock may name no host and no address, every package carries a hash, and what one lock pins no other pins differently.
LOCKS := requirements.lock requirements-dev.lock docker/requirements.lock docker/build.lock
define check-locks
if grep -nE '://|--(extra-)?index|--find-links|--trusted-host' $(LOCKS); then \
  echo '锁文件里有网址 | a lock names a host' >&2; exit 1; fi; \
for lock in $(LOCKS); do \
  awk -v lock=$$lock '/^[a-z0-9]/ { if (name && !hashes) bad = name; name = $$1; hashes = 0 } /--hash=/ { hashes++ } \
    END { if (!name || !hashes) bad = name " (end)"; if (bad) { print lock ": no hash for " bad; exit 1 } }' $$lock >&2 || exit 1; \
  if grep -oE '^[a-z0-9][^ ;]*==[^ ;]+' $$lock | grep -vxF "$$(grep -oE '^[a-z0-9][^ ;]*==[^ ;]+' requirements-dev.lock)"; then \
    echo "$$lock 与 requirements-dev.lock 版本不一 | differs from requirements-dev.lock; run make lock" >&2; exit 1; fi; \
done
endef
