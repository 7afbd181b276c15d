# What a newcomer types: `make quickstart`, `make test`. Needs python3 (3.11 or later) and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.complete
QUICKSTART := runs/quickstart
SHIPPED    := runs/shipped

.PHONY: env quickstart test test-slow lint lock wheelhouse encoders clean
.DEFAULT_GOAL := help

help:
	@echo "make env         makes $(VENV) from requirements.lock"
	@echo "make quickstart  recovers drawn faces with the network that comes with it and measures it; then trains one and does"
	@echo "                 the same with that (about 5 minutes on 2 cores)"
	@echo "make test        runs the tests"
	@echo "make test-slow   runs the tests that take minutes or much memory"
	@echo "make lint        ruff and pyright"
	@echo "make encoders    trains the two encoders of the embedded faces again"
	@echo "make wheelhouse  collects all packages in wheelhouse/, for a machine without a network (README, Install)"
	@echo "make lock        resolves requirements.lock again (needs uv)"

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "DFREC-JAX needs Python 3.11 or later; this is " + sys.version.split()[0] + ": name another one with make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "this python3 has no venv: install it (Debian, Ubuntu: apt install python3-venv) and run make again"; exit 2; }
	@echo "making $(VENV) from requirements.lock (about 600 MB of packages, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

quickstart: $(STAMP)
	$(BIN)/dfrec draw --out $(SHIPPED)/faces
	$(BIN)/dfrec recover $(SHIPPED)/faces/*.png --network drawn --out $(SHIPPED)/recovered
	$(BIN)/python evaluate.py --network=drawn --out=$(SHIPPED)
	$(BIN)/python train.py --config=configs/quickstart.py --workdir=$(QUICKSTART)
	$(BIN)/dfrec recover $(SHIPPED)/faces/*.png --workdir $(QUICKSTART) --out $(QUICKSTART)/recovered
	$(BIN)/python evaluate.py --workdir=$(QUICKSTART)
	@echo "recovered faces: $(SHIPPED)/recovered/*/panel.png by the network that comes with it,"
	@echo "                 $(QUICKSTART)/recovered/*/panel.png by the one of this training"
	@echo "how training went: $(QUICKSTART)/samples/*.png; curves: pip install tensorboard, tensorboard --logdir $(QUICKSTART)/tensorboard"

test: $(STAMP)
	@$(BIN)/python -m pytest --quiet --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-slow: $(STAMP)
	@$(BIN)/python -m pytest --quiet -m slow

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

encoders: $(STAMP)
	@$(BIN)/python -m dfrec_jax.synthetic.train_encoders

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --output-file requirements.lock

# Of this machine's kind and Python: run it on a machine like the one that is to be installed, with a network.
wheelhouse: $(STAMP)
	@mkdir -p wheelhouse
	@$(BIN)/python -m pip wheel --quiet --require-hashes --requirement requirements.lock --wheel-dir wheelhouse
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheelhouse .
	@echo "$$(ls wheelhouse | wc -l) wheels; over there: python3 -m pip install --no-index --find-links wheelhouse dfrec-jax"

clean:
	rm -rf $(VENV) runs wheelhouse
