# p2pmsg: one hand-written Makefile. `make help` lists the targets.
#
#   make run            install what is missing, build, start this node
#   make check          install what is missing, build, run every test
#   make BUILD=release  optimised and hardened, as `run` and `install` build
#   make CC=clang
#   make check SANITIZE=address,undefined      (or thread)
#   make V=1            show the commands in full

VERSION := 0.1.0
BUILD ?= $(if $(filter run install bench,$(MAKECMDGOALS)),release,debug)
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
SANITIZE ?=
PREFIX ?= /usr/local
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/p2pmsg
UNITDIR ?= $(PREFIX)/lib/systemd/user
FUZZ_SECONDS ?= 60

# A folder for each kind of build, so that none disturbs another.
comma := ,
kind := $(BUILD)-$(notdir $(firstword $(CC)))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
O := build/$(kind)

PKGS := libsodium avahi-client avahi-core msgpack libuv jansson libqrencode libutf8proc \
	sqlite3
TEST_PKGS := cmocka

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wundef -Werror
CFLAGS_debug := -Og -g3 -DDEBUG
CFLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fstack-clash-protection
LDFLAGS_release := -Wl,-z,relro,-z,now
# The small functions of base and wire into their callers. clang's needs a linker of its own.
ifneq ($(findstring gcc,$(notdir $(CC))),)
CFLAGS_release += -flto=auto
LDFLAGS_release += -flto=auto -O2
endif
SAN := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
	-fno-sanitize-recover=all)

# On a machine without pkg-config or the libraries these are empty; `deps` needs
# none of them, and `run` and `check` ask again in a second make after it.
pkg_cflags := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
pkg_libs := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
test_libs := $(shell pkg-config --libs $(TEST_PKGS) 2>/dev/null)
# Only faster: crypto/bulkseal. make LIBCRYPTO= does without it.
LIBCRYPTO := $(shell pkg-config --libs 'libcrypto >= 3.0' 2>/dev/null)
ifneq ($(and $(pkg_libs),$(LIBCRYPTO)),)
pkg_cflags += -DHAVE_LIBCRYPTO \
	$(shell pkg-config --cflags libcrypto 2>/dev/null | sed 's/-I/-isystem /g')
pkg_libs += $(LIBCRYPTO)
endif

cflags = -std=c11 -D_GNU_SOURCE -DP2PMSG_VERSION='"$(VERSION)"' -Iinclude -Isrc $(WARN) \
	-fPIE -pthread $(CFLAGS_$(BUILD)) $(SAN) $(pkg_cflags) $(CFLAGS)
ldflags = -pie -pthread $(LDFLAGS_$(BUILD)) $(SAN) $(LDFLAGS)

MAKEFLAGS += --no-print-directory
silent := $(V)$(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS))))
say = $(if $(silent),,@printf '  %-5s%s\n' $1 $2)
Q := $(if $(V),,@)
# As many jobs as cores, unless the caller has said how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# Everything but src/cli/main.c is one archive, which the tests link too.
SRC := $(sort $(wildcard src/*/*.c))
LIB_SRC := $(filter-out src/cli/main.c,$(SRC))
LIB_OBJ := $(LIB_SRC:%.c=$O/%.o)
LIB := $O/libp2pmsg.a
BIN := $O/p2pmsg

# Programs of tests/: cmocka groups, fuzzers, and small tools that scripts call.
TEST_LIB_OBJ := $(patsubst %.c,$O/%.o,$(sort $(wildcard tests/lib/*.c)))
TEST_SRC := $(sort $(wildcard tests/unit/test_*.c tests/trials/test_*.c tests/sim/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
TOOL_SRC := $(sort $(wildcard tests/e2e/*.c tests/interop/*.c tests/lab/*.c tests/bench/*.c))
# What is compared with is not needed to test.
zmq_libs := $(shell pkg-config --libs libzmq 2>/dev/null)
TOOL_SRC := $(if $(zmq_libs),$(TOOL_SRC),$(filter-out tests/bench/bench_zmq.c,$(TOOL_SRC)))
TEST_LIB := $O/libtests.a
TEST_BIN := $(TEST_SRC:%.c=$O/%)
FUZZ_BIN := $(FUZZ_SRC:%.c=$O/%)
TOOL_BIN := $(TOOL_SRC:%.c=$O/%)
MAN := $(sort $(wildcard man/*.[1-8]))
man_path = $(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $1))/$(notdir $1)

.PHONY: all lib tests fuzzers run check soak lint bench fuzz man install uninstall \
	dist deps deps-interop clean help
.SECONDARY:
.DELETE_ON_ERROR:

# build/p2pmsg is the newest plain build.
all: $(BIN) ## build build/p2pmsg (BUILD=debug|release, CC=, SANITIZE=)
	@$(if $(SANITIZE)$(filter-out build/$(kind),$O),:,ln -sfn $(kind)/p2pmsg build/p2pmsg)

lib: $(LIB)

tests: $(TEST_BIN) $(FUZZ_BIN) $(TOOL_BIN)
	@:

fuzzers: $(FUZZ_BIN)
	@:

$(BIN): $O/src/cli/main.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(pkg_libs)

$(TEST_LIB): $(TEST_LIB_OBJ)
$(LIB): $(LIB_OBJ)
$(LIB) $(TEST_LIB):
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $^

$O/%.o: %.c
	$(if $(pkg_libs),,$(error libraries are missing: `make deps` installs them))
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

$O/tests/%.o: cflags += -Itests

$(TEST_BIN) $(TOOL_BIN): $O/%: $O/%.o $(TEST_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(test_libs) $(pkg_libs)

$O/tests/bench/bench_zmq: test_libs += $(zmq_libs)

# A fuzzer has libFuzzer's main in `make fuzz`, and otherwise one that runs files.
ifneq ($(findstring fuzzer,$(SANITIZE)),)
$(FUZZ_BIN): ldflags += -fsanitize=fuzzer
else
$(FUZZ_BIN): $O/tests/fuzz/replay.o
endif
$(FUZZ_BIN): $O/%: $O/%.o $(TEST_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(test_libs) $(pkg_libs)

run: ## install what is missing, build, start this node in the foreground
	@contrib/deps.sh build
	@$(MAKE) $(jobs) BUILD=$(BUILD) all
	@echo '`make install` puts p2pmsg on the path (PREFIX=$(PREFIX)).'
	@$(BIN)

clang_group := $(if $(findstring clang,$(CC)),clang)

check: ## install what is missing, build, run every test (TESTS=name ... for some)
	@contrib/deps.sh build test $(clang_group)
	@$(MAKE) $(jobs) all tests
	@tests/run --build $O --sanitize '$(SANITIZE)' $(TESTS)

soak: ## the same tests, the long ones for as long as they are meant to take
	@contrib/deps.sh build test $(clang_group)
	@$(MAKE) $(jobs) all tests
	@P2PMSG_SOAK=1 tests/run --build $O --sanitize '$(SANITIZE)' $(TESTS)

lint: ## layers, includes, format, static analysis, manual against tables
	@contrib/deps.sh build lint
	@CC='$(CC)' tests/lint/run

bench: ## compare with what people would use instead (BENCH=section)
	@contrib/deps.sh build bench
	@$(MAKE) $(jobs) BUILD=$(BUILD) all tests
	@tests/bench/run.py --build $O $(BENCH)

fuzz: ## every fuzzer for FUZZ_SECONDS=60 each, or one: FUZZ=name
	@contrib/deps.sh build test clang
	@$(MAKE) $(jobs) CC=clang O=build/fuzz \
		SANITIZE=fuzzer-no-link,address,undefined fuzzers
	@tests/fuzz/run build/fuzz $(FUZZ_SECONDS) $(FUZZ)

deps: ## install what building needs (deps-all: what any target needs)
	@contrib/deps.sh build

deps-all:
	@contrib/deps.sh build test lint bench clang

deps-interop: ## install the npm packages of the interoperation tests
	@if [ -e tests/interop/npm/package.json ]; then \
		contrib/deps.sh interop && cd tests/interop/npm && \
		npm ci --no-audit --no-fund --ignore-scripts; \
	else \
		echo 'no test needs npm packages'; \
	fi

man: $(MAN:man/%=build/man/%.txt) ## the manual pages as text, in build/man

build/man/%.txt: man/%
	@mkdir -p $(@D)
	@mandoc -T utf8 $< | col -bx >$@
	@echo $@

install: ## binary, manual, documents, user unit below PREFIX=/usr/local (and DESTDIR)
	@$(MAKE) $(jobs) BUILD=$(BUILD) all
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/p2pmsg
	$(foreach m,$(MAN),install -D -m 644 $m $(call man_path,$m) &&) true
	install -d $(DESTDIR)$(DOCDIR) $(DESTDIR)$(UNITDIR)
	install -m 644 $(wildcard LICENSE README.md) $(DESTDIR)$(DOCDIR)
	sed 's,/usr/local/,$(PREFIX)/,' contrib/p2pmsg.service \
		>$(DESTDIR)$(UNITDIR)/p2pmsg.service
	chmod 644 $(DESTDIR)$(UNITDIR)/p2pmsg.service

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/p2pmsg $(foreach m,$(MAN),$(call man_path,$m)) \
		$(DESTDIR)$(UNITDIR)/p2pmsg.service
	rm -rf $(DESTDIR)$(DOCDIR)

# The same commit gives the same bytes on every machine.
dist: ## build/p2pmsg-VERSION.tar.gz of what git knows
	@mkdir -p build
	git ls-files -z | LC_ALL=C tar --null --files-from=- --create --format=gnu \
		--mtime=@$$(git log -1 --format=%ct) --owner=0 --group=0 --numeric-owner \
		--mode=go=u-w --transform='s,^,p2pmsg-$(VERSION)/,' \
		| gzip -n9 >build/p2pmsg-$(VERSION).tar.gz

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 16

-include $(patsubst %.c,$O/%.d,$(SRC) $(TEST_SRC) $(FUZZ_SRC) $(TOOL_SRC) \
	$(wildcard tests/lib/*.c tests/fuzz/replay.c))
