# The two commands a newcomer needs are `make demo` and `make test`; both install what is missing first.
.PHONY: setup demo test install bench docs format lint

setup:
	@sh scripts/setup.sh

demo: setup
	@sh scripts/demo.sh

test: setup
	@sh scripts/test.sh

install: setup
	@sh scripts/install.sh

bench: setup
	@sh scripts/bench.sh

docs: setup
	@sh scripts/docs.sh

format:
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Snippets

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Snippets
