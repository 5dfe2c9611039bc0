# Each target makes its own environment in .venv first: Python 3.11 or newer and make are all it needs
# (and EGL, which it installs where it may).
PYTHON ?= python3
# Keep compiled modules even where the machine says not to: hundreds of commands in the tests would compile torch anew
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PATHS := fauxface tests benchmarks tools examples

.PHONY: help demo test test-slow fuzz check docs weights weights-m weights-s clean

help:
	@echo "make demo       render faces, train on them, evaluate, predict; writes demo/report.html (about ten minutes)"
	@echo "make test       the tests"
	@echo "make test-slow  the tests that take longer, too"
	@echo "make fuzz       damaged inputs for every reader, two minutes of them, or INPUTS=N (docs/promises.md)"
	@echo "make check      formatting, lint, types"
	@echo "make docs       the documentation as a site to open: site/index.html"
	@echo "make weights-m  render the faces and train fauxface-m from random weights (docs/reproduce.md); goes on where it was stopped"
	@echo "make weights-s  the same for fauxface-s; make weights: both"

demo: $(READY) egl
	$(BIN)/fauxface demo

test: $(READY) egl
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

test-slow: $(READY) egl
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "slow or not slow"

# So many damaged inputs; two minutes of them if empty
INPUTS ?=
fuzz: $(READY)
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m fuzz $(INPUTS:%=--inputs %)

check: $(READY)
	$(BIN)/ruff format --check $(PATHS)
	$(BIN)/ruff check $(PATHS)
	$(BIN)/pyright

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

RECIPE = recipes/rendering/detector.yaml
# Weights that training starts from: a run's or a checkpoint's folder; random ones if empty
INIT ?=
# Faces that training sees; the recipe's if empty
SAMPLES ?=
weights:
	$(MAKE) weights-m
	$(MAKE) weights-s

# Faces that are rendered for each; a larger number extends the folder
weights-m: COUNT = 10000
weights-s: COUNT = 20000
weights-m weights-s: weights-%: renders
	$(BIN)/fauxface train --config recipes/training/fauxface-$*.yaml $(SAMPLES:%=--samples %) $(INIT:%=--init %)

# The renders that the shipped weights are trained and tested on
renders: assets
	$(BIN)/fauxface render renders/train --count $(COUNT) --size 192 --seed 5 --recipe $(RECIPE)
	$(BIN)/fauxface render renders/held_out --count 300 --size 192 --seed 2 --recipe $(RECIPE)

assets: $(READY) egl
	$(BIN)/uv pip install --python $(BIN)/python --constraint requirements.lock --editable '.[assets]'
	$(BIN)/fauxface assets install

# The shipped face detector, from frames of several people, renders of one, and pictures without faces
detector: SECOND = runs/fauxface-detector-2
detector: assets
	$(BIN)/fauxface render renders/frames/crowd --count 1000 --faces 0-6 --size 384 --seed 15 --recipe $(RECIPE)
	$(BIN)/fauxface render renders/frames/single --count 950 --size 192 --seed 5 --recipe $(RECIPE)
	$(BIN)/python tools/face_free.py renders/without_faces --count 2400 --bodies 240
	$(BIN)/fauxface train --config recipes/training/fauxface-detector.yaml
	$(BIN)/python tools/face_free.py renders/without_faces --count 2400 --bodies 240 --hard runs/fauxface-detector
	$(BIN)/fauxface train --config recipes/training/fauxface-detector.yaml --out $(SECOND) --init runs/fauxface-detector \
	  --seed 1 --lr 0.001 --samples 70000

.PHONY: assets detector egl renders
egl: $(READY)
	@sh tools/egl.sh $(BIN)/python

# requirements.lock holds exact versions, so that every clone runs the same code; pyproject.toml holds the ranges
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	  "fauxface: needs Python 3.11 or newer, and %s is %s: make PYTHON=python3.12" % (sys.executable, sys.version.split()[0]))'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python --requirements requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

clean:
	rm -rf $(VENV) demo site
