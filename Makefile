# p2pmsg: one hand-written Makefile. `make help` lists the targets.
#
#   make run            install what is missing, build, start this node
#   make check          install what is missing, build, run every test
#   make BUILD=release  optimised and hardened (the default of run and install)
#   make check SANITIZE=address,undefined
#   make CC=clang

VERSION := 0.1.0
BUILD ?= debug
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX ?= /usr/local
SANITIZE ?=

# A folder for each kind of build, so that none disturbs another; the newest
# plain build is build/p2pmsg.
kind := $(BUILD)-$(notdir $(firstword $(CC)))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
comma := ,
kind := $(BUILD)-$(notdir $(firstword $(CC)))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
O := build/$(kind)

PKGS := libsodium libcrypto avahi-client avahi-core msgpack libuv jansson libqrencode libutf8proc
TEST_PKGS := cmocka

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wundef -Werror
CFLAGS_debug := -Og -g3 -DDEBUG
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LDFLAGS_release := -Wl,-z,relro,-z,now
SAN := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)

pkg_cflags := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
pkg_libs := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
test_libs := $(shell pkg-config --libs $(TEST_PKGS) 2>/dev/null)

cflags = -std=c11 -D_GNU_SOURCE -DP2PMSG_VERSION='"$(VERSION)"' -Iinclude -Isrc $(WARN) \
	-fPIE -pthread $(CFLAGS_$(BUILD)) $(SAN) $(pkg_cflags) $(CFLAGS)
ldflags = -pie -pthread $(LDFLAGS_$(BUILD)) $(SAN) $(LDFLAGS)

# Everything but src/cli/main.c is one archive, which the tests link too.
SRC := $(sort $(wildcard src/*/*.c))
LIB_SRC := $(filter-out src/cli/main.c,$(SRC))
LIB_OBJ := $(LIB_SRC:%.c=$O/%.o)
LIB := $O/libp2pmsg.a
BIN := $O/p2pmsg

TEST_LIB_SRC := $(sort $(wildcard tests/lib/*.c))
TEST_LIB_OBJ := $(TEST_LIB_SRC:%.c=$O/%.o)
TEST_SRC := $(sort $(wildcard tests/unit/test_*.c tests/trials/test_*.c tests/sim/test_*.c))
TEST_BIN := $(TEST_SRC:%.c=$O/%)

.PHONY: all lib tests clean
all: $(BIN)
	@ln -sf $(kind)/p2pmsg build/p2pmsg

lib: $(LIB)

$(BIN): $O/src/cli/main.o $(LIB)
	$(CC) $(ldflags) -o $@ $^ $(pkg_libs)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$O/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(cflags) -MMD -MP -c -o $@ $<

$O/tests/%.o: cflags += -Itests

$(TEST_BIN): $O/%: $O/%.o $(TEST_LIB_OBJ) $(LIB)
	$(CC) $(ldflags) -o $@ $^ $(test_libs) $(pkg_libs)

tests: $(TEST_BIN)

clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(TEST_BIN:=.d) $O/src/cli/main.d
.SECONDARY:
