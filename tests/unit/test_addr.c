#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/rng.h"
#include "lib/skip.h"

static struct addr parse(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), ERR_OK);
	return a;
}

static void literals_are_read_and_written(void **state)
{
	static const char *const rows[][2] = {
		{"192.0.2.1:7117", "192.0.2.1:7117"},
		{"192.0.2.1", "192.0.2.1:0"},
		{"192.0.2.1:0", "192.0.2.1:0"},
		{"255.255.255.255:65535", "255.255.255.255:65535"},
		{"[2001:db8::1]:7117", "[2001:db8::1]:7117"},
		{"[2001:db8::1]", "[2001:db8::1]:0"},
		{"2001:DB8:0:0:0:0:0:1", "[2001:db8::1]:0"},
		{"::1", "[::1]:0"},
		{"::", "[::]:0"},
		{"fe80::1", "[fe80::1]:0"},
		{"[fe80::1%lo]:7117", "[fe80::1%lo]:7117"},
		{"fe80::1%lo", "[fe80::1%lo]:0"},
		{"fe80::1%1", "[fe80::1%lo]:0"},
		{"[fe80::1%999999]:1", "[fe80::1%999999]:1"},
		{"[::ffff:192.0.2.1]:5", "192.0.2.1:5"},
		{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
		 "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:0"},
	};
	char text[ADDR_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a = parse(rows[i][0]), again;
		addr_str(&a, text);
		assert_string_equal(text, rows[i][1]);
		again = parse(text);
		assert_true(addr_eq(&a, &again));
	}
}

static void anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		":1",
		"[",
		"[]",
		"[]:1",
		"[::1",
		"::1]",
		"[::1]x",
		"[::1]:",
		"[::1]:x",
		"[::1]:65536",
		"[::1]:000001",
		"[1.2.3.4]:5",
		"1.2.3.4:",
		"1.2.3.4:65536",
		"1.2.3.4:-1",
		"1.2.3.4:+1",
		"1.2.3.4: 1",
		"1.2.3.4:1 ",
		" 1.2.3.4",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"1.2.3.4/24",
		"localhost",
		"localhost:1",
		"bob.local",
		"1.2.3.4%lo",
		"::1%lo",
		"2001:db8::1%lo",
		"fe80::1%",
		"fe80::1%nosuchinterface",
		"fe80::1%0",
		"fe80::1%-1",
		"fe80::1%99999999999",
		"[fe80::1%lo%lo]:1",
		"1:2:3:4:5:6:7:8:9",
		":::",
		"1.2.3.4:1\n",
		"[[::1]]:1",
		"1.2.3.4:1:1",
		"0x7f.1",
		"127.1",
		"[fe80::1%]:1",
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		a.family = ADDR_IP4;
		if (addr_parse(texts[i], &a) != ERR_USAGE)
			fail_msg("'%s' is taken", texts[i]);
		assert_int_equal(a.family, ADDR_NONE);
	}
}

static void any_text_can_be_tried(void **state)
{
	static const char letters[] = "0123456789abcdef::::[]%.. lo\x80";
	struct rng_seeded r;
	struct addr a;
	char text[128], host[20];
	uint16_t port;

	(void)state;
	rng_seeded_init(&r, 1);
	for (int i = 0; i < 50000; i++) {
		size_t n = rng_uniform(&r.rng, i % 100 == 0 ? 127 : 20);
		for (size_t k = 0; k < n; k++)
			text[k] = letters[rng_uniform(&r.rng, sizeof(letters) - 1)];
		text[n] = '\0';
		addr_parse(text, &a);
		if (addr_split(text, host, sizeof(host), &port) == ERR_OK)
			assert_in_range(strlen(host), 1, sizeof(host) - 1);
	}
}

static void a_host_is_split_from_its_port(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} rows[] = {
		{"bob", "bob", 0},
		{"bob:7117", "bob", 7117},
		{"bob.local:1", "bob.local", 1},
		{"192.0.2.1:65535", "192.0.2.1", 65535},
		{"[::1]:5", "::1", 5},
		{"[::1]", "::1", 0},
		{"::1", "::1", 0},
		{"fe80::1%eth0", "fe80::1%eth0", 0},
		{"[fe80::1%eth0]:5", "fe80::1%eth0", 5},
	};
	char host[32];
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(addr_split(rows[i].text, host, sizeof(host), &port),
				 ERR_OK);
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
	assert_int_equal(addr_split("bob:", host, sizeof(host), &port), ERR_USAGE);
	assert_int_equal(addr_split(":1", host, sizeof(host), &port), ERR_USAGE);
	assert_int_equal(addr_split("", host, sizeof(host), &port), ERR_USAGE);
	assert_int_equal(addr_split("[bob]:1", host, sizeof(host), &port), ERR_USAGE);
	assert_int_equal(addr_split("bob:99999", host, sizeof(host), &port), ERR_USAGE);
	assert_int_equal(addr_split("b\x1b[m", host, sizeof(host), &port), ERR_USAGE);
}

static void a_host_must_fit(void **state)
{
	char host[8];
	uint16_t port;

	(void)state;
	for (size_t max = 0; max <= 8; max++) {
		assert_int_equal(addr_split("abcde:1", host, max, &port),
				 max > 5 ? ERR_OK : ERR_USAGE);
		assert_int_equal(addr_split("[::1]:1", host, max, &port),
				 max > 3 ? ERR_OK : ERR_USAGE);
	}
}

static void kinds_of_addresses(void **state)
{
	static const struct {
		const char *text;
		bool is_loopback, is_link_local, is_unicast;
	} rows[] = {
		{"127.0.0.1", true, false, true},
		{"127.255.1.2", true, false, true},
		{"::1", true, false, true},
		{"[::ffff:127.0.0.1]", true, false, true},
		{"::2", false, false, true},
		{"128.0.0.1", false, false, true},
		{"169.254.0.1", false, true, true},
		{"169.253.0.1", false, false, true},
		{"fe80::1", false, true, true},
		{"febf::1", false, true, true},
		{"fec0::1", false, false, true},
		{"fe7f::1", false, false, true},
		{"192.0.2.1", false, false, true},
		{"2001:db8::1", false, false, true},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"224.0.0.251", false, false, false},
		{"239.255.255.255", false, false, false},
		{"255.255.255.255", false, false, false},
		{"ff02::fb", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a = parse(rows[i].text);
		assert_int_equal(addr_is_loopback(&a), rows[i].is_loopback);
		assert_int_equal(addr_is_link_local(&a), rows[i].is_link_local);
		assert_int_equal(addr_is_unicast(&a), rows[i].is_unicast);
	}
}

static void no_address_is_none_of_them(void **state)
{
	struct addr none = {.family = ADDR_NONE}, ip4 = parse("0.0.0.0");
	struct sockaddr_storage ss;
	char text[ADDR_TEXT_BYTES];

	(void)state;
	assert_false(addr_is_loopback(&none) || addr_is_link_local(&none) ||
		     addr_is_unicast(&none) || addr_ip_eq(&none, &ip4));
	assert_int_equal(addr_to_sockaddr(&none, &ss), 0);
	addr_str(&none, text);
	assert_string_equal(text, "none");
}

static void equal_means_all_or_only_the_address(void **state)
{
	struct addr a = parse("192.0.2.1:1"), b = parse("192.0.2.1:2");
	struct addr c = parse("fe80::1"), d = parse("fe80::1%1");

	(void)state;
	assert_true(addr_eq(&a, &a) && addr_ip_eq(&a, &b) && addr_ip_eq(&c, &d));
	assert_false(addr_eq(&a, &b) || addr_eq(&c, &d) || addr_ip_eq(&a, &c));
}

static void sockaddrs_go_both_ways(void **state)
{
	static const char *const texts[] = {"192.0.2.1:7117", "[2001:db8::1]:65535",
					    "[fe80::1%1]:1"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct addr a = parse(texts[i]), b;
		struct sockaddr_storage ss;
		assert_int_equal(addr_to_sockaddr(&a, &ss),
				 i == 0 ? sizeof(struct sockaddr_in)
					: sizeof(struct sockaddr_in6));
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &b), ERR_OK);
		assert_true(addr_eq(&a, &b));
	}
}

static void mapped_addresses_become_ip4(void **state)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct addr a, want = parse("192.0.2.1:9");

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr), 1);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&in6, &a), ERR_OK);
	assert_true(addr_eq(&a, &want));
}

static void a_scope_belongs_to_link_local_only(void **state)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_scope_id = 3};
	struct addr a;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr), 1);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&in6, &a), ERR_OK);
	assert_int_equal(a.scope, 0);
	assert_int_equal(inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr), 1);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&in6, &a), ERR_OK);
	assert_int_equal(a.scope, 3);
}

static void other_families_are_refused(void **state)
{
	struct sockaddr_storage ss = {.ss_family = AF_UNIX};
	struct addr a;

	(void)state;
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &a), ERR_USAGE);
	assert_int_equal(addr_from_sockaddr(NULL, &a), ERR_USAGE);
	assert_int_equal(a.family, ADDR_NONE);
}

/* lo, eth0 with two prefixes and link-local, and a second link that is down. */
static struct ifaces *some_ifaces(void)
{
	static struct ifaces ifs;

	ifs = (struct ifaces){
		.n = 3,
		.v = {{.name = "lo",
		       .index = 1,
		       .is_up = true,
		       .is_loopback = true,
		       .n_addrs = 2,
		       .addrs = {{parse("127.0.0.1"), 8}, {parse("::1"), 128}}},
		      {.name = "eth0",
		       .index = 2,
		       .is_up = true,
		       .is_multicast = true,
		       .n_addrs = 4,
		       .addrs = {{parse("192.0.2.10"), 24},
				 {parse("198.51.100.130"), 25},
				 {parse("2001:db8:1::10"), 64},
				 {parse("fe80::10"), 64}}},
		      {.name = "eth1",
		       .index = 3,
		       .n_addrs = 2,
		       .addrs = {{parse("203.0.113.1"), 24}, {parse("fe80::20"), 64}}}},
	};
	ifs.v[1].addrs[3].addr.scope = 2;
	ifs.v[2].addrs[1].addr.scope = 3;
	return &ifs;
}

/* Routers give lo an address of their own, which leads to nobody. */
static void nobody_is_on_the_loopback_link(void **state)
{
	struct ifaces *ifs = some_ifaces();
	struct addr own = parse("10.0.0.1"), other = parse("10.0.0.2");

	(void)state;
	ifs->v[0].addrs[ifs->v[0].n_addrs++] = (struct iface_addr){own, 8};
	assert_true(ifaces_on_link(ifs, &own));
	assert_false(ifaces_on_link(ifs, &other));
}

static void prefixes_say_what_is_on_link(void **state)
{
	static const struct {
		const char *text;
		uint32_t scope;
		bool is_on_link;
	} rows[] = {
		{"192.0.2.1", 0, true},
		{"192.0.2.255", 0, true},
		{"192.0.3.1", 0, false},
		{"192.0.1.255", 0, false},
		{"198.51.100.128", 0, true},
		{"198.51.100.127", 0, false},
		{"2001:db8:1::1", 0, true},
		{"2001:db8:1:0:ffff::", 0, true},
		{"2001:db8:1:1::1", 0, false},
		{"fe80::99", 2, true},
		{"fe80::99", 3, false}, /* that one is down */
		{"fe80::99", 7, false},
		{"203.0.113.7", 0, false}, /* down */
		{"203.0.113.1", 0, true}, /* but ours */
		{"127.0.0.1", 0, false},
		{"127.5.5.5", 0, false},
		{"::1", 0, false},
		{"8.8.8.8", 0, false},
		{"0.0.0.0", 0, false},
	};
	const struct ifaces *ifs = some_ifaces();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a = parse(rows[i].text);
		a.scope = rows[i].scope;
		if (ifaces_on_link(ifs, &a) != rows[i].is_on_link)
			fail_msg("%s", rows[i].text);
	}
}

/* Every length of prefix: the last bit inside counts, the first outside does not. */
static void every_prefix_length(void **state)
{
	struct ifaces ifs = {.n = 1, .v = {{.index = 2, .is_up = true, .n_addrs = 1}}};
	struct iface_addr *net = &ifs.v[0].addrs[0];

	(void)state;
	for (int bits = 1; bits <= 128; bits++) {
		struct addr a = parse("2001:db8:1234:5678:9abc:def0:1234:5678");
		*net = (struct iface_addr){a, (uint8_t)bits};
		a.ip[(bits - 1) / 8] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
		assert_false(ifaces_on_link(&ifs, &a));
		a = net->addr;
		if (bits < 128)
			a.ip[bits / 8] ^= (uint8_t)(0x80 >> bits % 8);
		assert_true(ifaces_on_link(&ifs, &a));
	}
}

static void own_addresses_are_known(void **state)
{
	const struct ifaces *ifs = some_ifaces();
	static const char *const own[] = {"192.0.2.10", "2001:db8:1::10", "203.0.113.1",
					  "127.0.0.1",	"127.9.9.9",	  "::1"};
	struct addr a = parse("192.0.2.11");

	(void)state;
	assert_false(ifaces_is_own(ifs, &a));
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		a = parse(own[i]);
		a.port = 5;
		assert_true(ifaces_is_own(ifs, &a));
	}
}

static void broadcast_addresses_are_known(void **state)
{
	struct ifaces *ifs = some_ifaces();
	struct addr a = parse("192.0.2.255"), b = parse("198.51.100.255");
	struct addr c = parse("192.0.2.254"), d = parse("2001:db8:1::10");

	(void)state;
	assert_true(ifaces_is_broadcast(ifs, &a) && ifaces_is_broadcast(ifs, &b));
	assert_false(ifaces_is_broadcast(ifs, &c) || ifaces_is_broadcast(ifs, &d));
	/* Both ends of a point-to-point link are hosts. */
	ifs->v[1].addrs[0].prefix = 31;
	a = parse("192.0.2.11");
	assert_false(ifaces_is_broadcast(ifs, &a));
	ifs->v[1].addrs[0].prefix = 32;
	a = parse("192.0.2.10");
	assert_false(ifaces_is_broadcast(ifs, &a));
}

static const struct iface *by_name(const struct ifaces *ifs, const char *name)
{
	for (size_t i = 0; i < ifs->n; i++) {
		if (strcmp(ifs->v[i].name, name) == 0)
			return &ifs->v[i];
	}
	return NULL;
}

static void the_present_state_has_loopback(void **state)
{
	static struct ifaces ifs;
	const struct iface *lo;
	bool has_127 = false;

	(void)state;
	assert_int_equal(ifaces_read(&ifs), ERR_OK);
	lo = by_name(&ifs, "lo");
	if (lo == NULL)
		skip_because("no lo");
	assert_int_equal(lo->index, if_nametoindex("lo"));
	assert_true(lo->is_loopback);
	for (size_t i = 0; i < lo->n_addrs; i++) {
		struct addr home = parse("127.0.0.1");
		if (addr_ip_eq(&lo->addrs[i].addr, &home)) {
			has_127 = true;
			assert_int_equal(lo->addrs[i].prefix, 8);
		}
	}
	assert_int_equal(has_127, lo->is_up);
	for (size_t i = 0; i < ifs.n; i++) {
		for (size_t k = i + 1; k < ifs.n; k++)
			assert_int_not_equal(ifs.v[i].index, ifs.v[k].index);
	}
}

static void virtual_names_are_skipped(void **state)
{
	static const char *const lan[] = {"eth0", "enp3s0", "wlan0", "br0",   "lo",
					  "w",	  "bond0",  "",	     "docke", "usb0"};
	static const char *const others[] = {"docker0", "br-1234", "veth12", "virbr0",
					     "tun0",	"tap7",	   "wg0"};

	(void)state;
	for (size_t i = 0; i < sizeof(lan) / sizeof(lan[0]); i++)
		assert_true(iface_name_is_lan(lan[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(iface_name_is_lan(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_are_read_and_written),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(any_text_can_be_tried),
		cmocka_unit_test(a_host_is_split_from_its_port),
		cmocka_unit_test(a_host_must_fit),
		cmocka_unit_test(kinds_of_addresses),
		cmocka_unit_test(no_address_is_none_of_them),
		cmocka_unit_test(equal_means_all_or_only_the_address),
		cmocka_unit_test(sockaddrs_go_both_ways),
		cmocka_unit_test(mapped_addresses_become_ip4),
		cmocka_unit_test(a_scope_belongs_to_link_local_only),
		cmocka_unit_test(other_families_are_refused),
		cmocka_unit_test(nobody_is_on_the_loopback_link),
		cmocka_unit_test(prefixes_say_what_is_on_link),
		cmocka_unit_test(every_prefix_length),
		cmocka_unit_test(own_addresses_are_known),
		cmocka_unit_test(broadcast_addresses_are_known),
		cmocka_unit_test(the_present_state_has_loopback),
		cmocka_unit_test(virtual_names_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
