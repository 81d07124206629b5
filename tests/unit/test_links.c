#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/links.h"

static const struct links_rule both = {.use_ip4 = true, .use_ip6 = true};

/* addrs: literals separated by spaces. */
static struct iface *add(struct ifaces *ifs, const char *name, const char *addrs)
{
	struct iface *i = &ifs->v[ifs->n++];
	char copy[256], *save = NULL;

	*i = (struct iface){.index = ifs->n, .is_up = true, .is_multicast = true};
	strcpy(i->name, name);
	strcpy(copy, addrs);
	for (char *a = strtok_r(copy, " ", &save); a; a = strtok_r(NULL, " ", &save))
		assert_int_equal(addr_parse(a, &i->addrs[i->n_addrs++].addr), ERR_OK);
	return i;
}

static void add_lo(struct ifaces *ifs)
{
	struct iface *lo = add(ifs, "lo", "127.0.0.1 ::1");

	lo->is_multicast = false;
	lo->is_loopback = true;
}

/* The names in use, each followed by a space. */
static const char *picked(const struct links_rule *rule, const struct ifaces *ifs)
{
	static char text[IFACES_MAX * (IFACE_NAME_BYTES + 1)];
	const struct iface *used[IFACES_MAX];
	size_t n = links_pick(rule, ifs, used);

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		strcat(text, used[i]->name);
		strcat(text, " ");
	}
	return text;
}

static void names_of_virtual_networks_are_skipped(void **state)
{
	struct ifaces ifs = {0};

	(void)state;
	add_lo(&ifs);
	add(&ifs, "docker0", "172.17.0.1");
	add(&ifs, "eth0", "10.0.0.1");
	add(&ifs, "veth12", "10.0.3.1");
	add(&ifs, "wlan0", "fe80::1");
	add(&ifs, "wg0", "10.9.0.1");
	assert_string_equal(picked(&both, &ifs), "eth0 wlan0 ");
}

static void only_what_the_user_asked_for(void **state)
{
	struct links_rule rule = both;
	struct ifaces ifs = {0};

	(void)state;
	add_lo(&ifs);
	add(&ifs, "docker0", "172.17.0.1");
	add(&ifs, "eth0", "10.0.0.1");
	strcpy(rule.asked.v[rule.asked.n++], "docker0");
	assert_string_equal(picked(&rule, &ifs), "docker0 ");
	strcpy(rule.asked.v[rule.asked.n++], "lo");
	assert_string_equal(picked(&rule, &ifs), "lo docker0 ");
	rule.asked.n = 1;
	ifs.v[1].is_up = false;
	assert_string_equal(picked(&rule, &ifs), "");
}

static void lo_only_when_it_is_the_only_one(void **state)
{
	struct ifaces ifs = {0};
	struct iface *eth;

	(void)state;
	add_lo(&ifs);
	eth = add(&ifs, "eth0", "10.0.0.1");
	assert_string_equal(picked(&both, &ifs), "eth0 ");
	eth->is_up = false;
	assert_string_equal(picked(&both, &ifs), "lo ");
	eth->is_up = true;
	eth->n_addrs = 0;
	assert_string_equal(picked(&both, &ifs), "lo ");
	eth->n_addrs = 1;
	eth->is_multicast = false;
	assert_string_equal(picked(&both, &ifs), "lo ");
	ifs.v[0].is_up = false;
	assert_string_equal(picked(&both, &ifs), "");
}

static void families_that_are_off_do_not_count(void **state)
{
	struct links_rule only6 = {.use_ip6 = true}, none = {0};
	struct addr out[LINK_ADDRS_MAX];
	struct ifaces ifs = {0};

	(void)state;
	add(&ifs, "eth0", "10.0.0.1");
	add(&ifs, "eth1", "10.0.0.1 2001:db8::1");
	assert_string_equal(picked(&only6, &ifs), "eth1 ");
	assert_string_equal(picked(&none, &ifs), "");
	assert_int_equal(links_addrs(&only6, &ifs.v[1], out), 1);
	assert_int_equal(out[0].family, ADDR_IP6);
}

static void link_local_stands_for_all_of_ip6(void **state)
{
	struct addr out[LINK_ADDRS_MAX];
	struct ifaces ifs = {0};
	struct iface *i = add(&ifs, "eth0", "10.0.0.1 2001:db8::1 fe80::1 10.0.0.2");

	(void)state;
	assert_int_equal(links_addrs(&both, i, out), 3);
	assert_int_equal(out[0].family, ADDR_IP4);
	assert_true(addr_is_link_local(&out[1]));
	assert_int_equal(out[2].family, ADDR_IP4);
	i = add(&ifs, "eth1", "2001:db8::1 2001:db8::2");
	assert_int_equal(links_addrs(&both, i, out), 2);
}

static void no_more_addresses_than_fit(void **state)
{
	struct addr out[LINK_ADDRS_MAX + 1];
	struct ifaces ifs = {0};
	struct iface *i = add(&ifs, "eth0",
			      "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 "
			      "10.0.0.7 10.0.0.8 10.0.0.9 10.0.0.10 10.0.0.11");

	(void)state;
	memset(out, 0x7f, sizeof(out));
	assert_int_equal(links_addrs(&both, i, out), LINK_ADDRS_MAX);
	assert_int_equal(out[LINK_ADDRS_MAX].port, 0x7f7f);
}

static void the_stack_starts_again_only_when_it_must(void **state)
{
	struct ifaces ifs = {0};
	struct link_names names;

	(void)state;
	add_lo(&ifs);
	add(&ifs, "eth0", "10.0.0.1");
	add(&ifs, "wlan0", "10.0.1.1")->is_up = false;
	links_names(&both, &ifs, &names);
	assert_int_equal(names.n, 2);
	assert_true(links_fit(&both, &ifs, &names));
	ifs.v[2].is_up = true;
	assert_true(links_fit(&both, &ifs, &names));
	add(&ifs, "veth1", "10.0.2.1");
	assert_true(links_fit(&both, &ifs, &names));
	ifs.v[1].is_up = false;
	assert_true(links_fit(&both, &ifs, &names));
	ifs.v[2].is_up = false;
	assert_false(links_fit(&both, &ifs, &names)); /* lo is needed */
	links_names(&both, &ifs, &names);
	assert_true(links_fit(&both, &ifs, &names));
	ifs.v[1].is_up = true;
	assert_false(links_fit(&both, &ifs, &names)); /* lo must not be used */
	links_names(&both, &ifs, &names);
	add(&ifs, "eth1", "10.0.3.1");
	assert_false(links_fit(&both, &ifs, &names)); /* a new name */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_virtual_networks_are_skipped),
		cmocka_unit_test(only_what_the_user_asked_for),
		cmocka_unit_test(lo_only_when_it_is_the_only_one),
		cmocka_unit_test(families_that_are_off_do_not_count),
		cmocka_unit_test(link_local_stands_for_all_of_ip6),
		cmocka_unit_test(no_more_addresses_than_fit),
		cmocka_unit_test(the_stack_starts_again_only_when_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
