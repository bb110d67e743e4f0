# Every habit is one word. README.md gives the same for Windows, without make.

# The first Python that is new enough and can make environments; a name on the path may be a shim
# that leads nowhere. If there is none, python3 says what it lacks.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys, ensurepip; assert sys.version_info >= (3, 11)' 2>/dev/null \
	&& echo $$name && exit; done; echo python3)
VENV = .venv/bin/python
INSTALL = @$(PYTHON) tools/install.py
# Without a screen JupyterLab prints its address and opens nothing.
SCREEN = $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname))

.PHONY: help lab test test-colab test-all bench checkpoints results doctor lint format notebooks address clean

help:  ## list these words
	@awk -F ':  ## ' '/^[a-z-]+:  ## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

lab:  ## make the environment, copy the lessons to work/ and open the first in JupyterLab
	$(INSTALL) lab
	@echo "If no browser opens, open the address below, all of it, token included;" \
		"JupyterLab runs until you press Ctrl-C twice."
	@$(VENV) -m jupyterlab --allow-root --Application.log_level=WARN \
		$(if $(SCREEN),,--no-browser) --ServerApp.root_dir=. \
		--LabApp.default_url=/lab/tree/work/01_backprop.ipynb

test:  ## lint, then run every test and every notebook
	$(INSTALL) test
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m pytest

test-colab:  ## run every lesson with the versions that Colab has
	$(INSTALL) test
	@$(VENV) tools/colab.py

test-all:  ## test, with every lesson also in a browser and with Colab's versions
	@AIGC_ALL_LESSONS=1 $(MAKE) test

bench:  ## compare the speed of the course's code with the usual way
	$(INSTALL) test
	@$(VENV) tools/bench.py

checkpoints:  ## train the models that the course ships, and list their files
	$(INSTALL) test
	@$(VENV) tools/checkpoints.py

results:  ## train the many small models whose numbers lessons show, and list what came out
	$(INSTALL) test
	@$(VENV) tools/results.py

doctor:  ## say whether the course will run here, and what to do if not
	@$(if $(wildcard $(VENV)),$(VENV),$(PYTHON)) -m aigc_lib.doctor

lint:  ## look for mistakes and for what `make format` would change
	$(INSTALL) test
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .

format:  ## mend what can be mended by machine, and lay out the code
	$(INSTALL) test
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .

notebooks:  ## run every notebook from a fresh kernel and save its outputs
	$(INSTALL) test
	@$(VENV) tools/notebooks.py run

address:  ## write the course's address in pyproject.toml wherever it stands
	$(INSTALL) test
	@$(VENV) tools/notebooks.py address

clean:  ## delete what the other words leave behind, except the environments
	rm -rf build .hypothesis .pytest_cache .ruff_cache
	find . -name .venv\* -prune -o -name __pycache__ -exec rm -rf {} +
