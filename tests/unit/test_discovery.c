/*
 * Several processes on networks of their own, with the embedded mDNS stack: who sees
 * whom. Skipped where networks cannot be made.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/ownnet.h"
#include "lib/skip.h"
#include "lib/watchers.h"

static bool has_net;

static struct watcher *start_embedded(int i)
{
	return watchers_start(i, (struct watcher_options){.mode = DISCOVERY_EMBEDDED});
}

/* Every test begins with lo alone, down; and no process may have ended badly. */
static int clean(void **state)
{
	(void)state;
	bool is_well = watchers_stop();
	if (has_net)
		ownnet_clean();
	return is_well ? 0 : -1;
}

static void need_net(void)
{
	if (!has_net)
		skip_because("no network of our own is allowed here");
}

/* --- the embedded stack --- */

static void two_people_with_lo_only(void **state)
{
	struct watcher *a, *b;

	(void)state;
	need_net();
	ownnet_up_lo();
	a = start_embedded(0);
	b = start_embedded(1);
	SEES(a, "status embedded\n");
	SEES(a, "+ id=02 127.0.0.1:7102 if=1 lo=1");
	SEES(b, "+ id=01 127.0.0.1:7101 if=1 lo=1");
	assert_in_range(watcher_stop(a), 0, 1000);
	SEES(b, "- id=01 127.0.0.1:7101 if=1 lo=1"); /* the goodbye */
}

static void three_people_on_two_hosts(void **state)
{
	struct watcher *a, *b, *c;

	(void)state;
	need_net();
	ownnet_up_lo();
	ownnet_up_pair();
	a = start_embedded(0);
	b = start_embedded(1);
	c = watchers_start_other_host(2);
	SEES(a, "+ id=02 10.77.0.1:7102");
	SEES(a, "+ id=03 10.77.0.2:7103");
	SEES(b, "+ id=01 10.77.0.1:7101");
	SEES(b, "+ id=03 10.77.0.2:7103");
	SEES(c, "+ id=01 10.77.0.1:7101");
	SEES(c, "+ id=02 10.77.0.1:7102");
	ownnet_wait_for_link_local();
	watcher_tell(b, "ifaces");
	watcher_tell(c, "ifaces");
	SEES(c, "+ id=02 [fe80::");
	SEES(b, "+ id=03 [fe80::");
	assert_null(strstr(a->text, "id=01")); /* never itself */
	assert_null(strstr(a->text, "127.0.0.1")); /* lo is not used */
	watcher_stop(c);
	SEES(a, "- id=03 10.77.0.2:7103");
	SEES(b, "- id=03 10.77.0.2:7103");
}

static void a_peer_by_hand(void **state)
{
	struct watcher *a;

	(void)state;
	need_net();
	a = start_embedded(0);
	watcher_tell(a, "fixed 192.0.2.1:4242");
	SEES(a, "+ id=00 192.0.2.1:4242 if=0 lo=0 192.0.2.1:4242");
	watcher_tell(a, "fixed localhost:4243");
	SEES(a, ":4243 if=0 lo=0 localhost:4243");
}

static void hidden_sees_and_is_not_seen(void **state)
{
	struct watcher *a, *b;

	(void)state;
	need_net();
	ownnet_up_lo();
	a = start_embedded(0);
	b = watchers_start(1, (struct watcher_options){.mode = DISCOVERY_EMBEDDED,
						       .is_hidden = true});
	SEES(b, "+ id=01");
	SEES_NOT(a, "id=02");
	watcher_tell(b, "show");
	SEES(a, "+ id=02");
	watcher_tell(b, "hide");
	SEES(a, "- id=02");
	watcher_forget(a);
	watcher_tell(b, "show");
	SEES(a, "+ id=02");
}

/* The name is that of a container network, the kind does not matter. */
static void virtual_networks_only_when_asked_for(void **state)
{
	const struct watcher_options asked = {.mode = DISCOVERY_EMBEDDED,
					      .interface = "docker0"};
	struct watcher *a, *b, *c, *d;

	(void)state;
	need_net();
	ownnet_up_pair();
	ownnet_up_eth1();
	assert_true(ownnet_run("ip link add docker0 type veth peer name veth9 && "
			       "ip addr add 10.88.0.9/24 dev docker0 && "
			       "ip link set veth9 up && ip link set docker0 up"));
	a = start_embedded(0);
	b = start_embedded(1);
	c = watchers_start(2, asked);
	d = watchers_start(3, asked);
	SEES(a, "+ id=02 10.77.0.1:7102");
	SEES(b, "+ id=01 10.77.0.1:7101");
	SEES(c, "+ id=04 10.88.0.9:7104");
	SEES(d, "+ id=03 10.88.0.9:7103");
	SEES_NOT(a, "10.88.0.9");
	SEES_NOT(c, "10.77.0");
}

/* D6: nobody collides with himself. */
static void D6_two_interfaces_on_one_link(void **state)
{
	struct watcher *a, *b;

	(void)state;
	need_net();
	ownnet_up_pair();
	ownnet_up_eth1();
	a = start_embedded(0);
	b = start_embedded(1);
	SEES(a, "+ id=02 10.77.0.1:7102");
	SEES(a, "+ id=02 10.77.0.2:7102");
	SEES(b, "+ id=01 10.77.0.1:7101");
	SEES(b, "+ id=01 10.77.0.2:7101");
	SEES_NOT(a, "\n- id=02");
	assert_true(ownnet_run("ip link set eth1 down"));
	watcher_tell(a, "ifaces");
	watcher_tell(b, "ifaces");
	SEES(a, "- id=02 10.77.0.2:7102");
}

static void goodbye_is_said_on_every_interface(void **state)
{
	struct watcher *a, *b, *c;

	(void)state;
	need_net();
	ownnet_up_pair();
	b = watchers_start_other_host(1);
	c = watchers_start_third_host(2);
	a = start_embedded(0);
	SEES(a, "+ id=02 10.77.0.2:7102");
	SEES(a, "+ id=03 10.78.0.2:7103");
	SEES(b, "+ id=01 10.77.0.1:7101");
	SEES(c, "+ id=01 10.78.0.1:7101");
	watcher_tell(a, "hide");
	SEES(b, "- id=01 10.77.0.1:7101");
	SEES(c, "- id=01 10.78.0.1:7101");
	watcher_forget(b);
	watcher_forget(c);
	watcher_tell(a, "show");
	SEES(b, "+ id=01 10.77.0.1:7101");
	SEES(c, "+ id=01 10.78.0.1:7101");
	watcher_stop(a);
	SEES(b, "- id=01 10.77.0.1:7101");
	SEES(c, "- id=01 10.78.0.1:7101");
}

static void an_address_that_changes_is_followed(void **state)
{
	struct watcher *a, *c;
	char again[128];

	(void)state;
	need_net();
	ownnet_up_pair();
	a = start_embedded(0);
	c = watchers_start_other_host(1);
	SEES(a, "+ id=02 10.77.0.2:7102");
	SEES(c, "+ id=01 10.77.0.1:7101");
	assert_true(
		ownnet_run("nsenter -t %d -n sh -c 'ip addr del 10.77.0.2/24 dev eth0; "
			   "ip addr add 10.77.0.3/24 dev eth0'",
			   (int)c->pid));
	watcher_tell(c, "ifaces");
	sleep(2);
	/* As after a dial that failed. */
	snprintf(again, sizeof(again), "again %.16s",
		 strstr(strstr(a->text, "10.77.0.2:7102"), "lo=0 ") + 5);
	watcher_tell(a, again);
	SEES(a, "+ id=02 10.77.0.3:7102");
	SEES(a, "- id=02 10.77.0.2:7102");
}

static void no_network_is_said_and_mended(void **state)
{
	struct watcher *a, *b;

	(void)state;
	need_net();
	a = start_embedded(0);
	SEES(a, "status off: no multicast: no usable network interface is up\n");
	ownnet_up_lo();
	watcher_tell(a, "ifaces");
	SEES(a, "status embedded\n");
	ownnet_up_pair();
	watcher_tell(a, "ifaces");
	b = start_embedded(1);
	SEES(a, "+ id=02 10.77.0.1:7102"); /* from lo to eth0 */
	assert_true(ownnet_run("ip link set eth0 down"));
	watcher_tell(a, "ifaces");
	watcher_tell(b, "ifaces");
	SEES(a, "- id=02 10.77.0.1:7102");
	SEES(a, "+ id=02 127.0.0.1:7102 if=1 lo=1");
}

/* --- hostile packets --- */

static int mdns_socket(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(5353)};
	struct in_addr lo = {htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1, ttl = 255;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	return fd;
}

static void shout(int fd, const void *packet, size_t n)
{
	struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = htons(5353)};

	inet_pton(AF_INET, "224.0.0.251", &all.sin_addr);
	assert_int_equal(sendto(fd, packet, n, 0, (struct sockaddr *)&all, sizeof(all)),
			 n);
}

/* A response with one answer. */
#define HEADER "\0\0\x84\0\0\0\0\1\0\0\0\0"

/* Our service type is another name for x.local; that has a record; now it has not: a
 * failed assertion in Avahi 0.8 (CVE-2025-68468). */
static void D3_an_answer_that_ends_avahi(void **state)
{
	static const char cname[] =
		HEADER "\7_p2pmsg\4_tcp\5local\0\0\5\0\1\0\0\x11\x94\0\4\1x\xc0\x19";
	static const char ptr[] =
		HEADER "\1x\5local\0\0\xc\0\1\0\0\x11\x94\0\4\1y\xc0\xe";
	static const char gone[] = HEADER "\1x\5local\0\0\xc\0\1\0\0\0\0\0\4\1y\xc0\xe";
	struct watcher *a, *b;
	int fd;

	(void)state;
	need_net();
	ownnet_up_lo();
	assert_true(ownnet_run("ip route add 224.0.0.0/4 dev lo"));
	a = start_embedded(0);
	SEES(a, "status embedded\n");
	fd = mdns_socket();
	shout(fd, cname, sizeof(cname) - 1);
	usleep(200000);
	shout(fd, ptr, sizeof(ptr) - 1);
	usleep(200000);
	shout(fd, gone, sizeof(gone) - 1);
	sleep(2);
	close(fd);
	b = start_embedded(1);
	SEES(a, "+ id=02");
	SEES(b, "+ id=01");
	assert_in_range(watcher_stop(a), 0, 1000);
}

/* Somebody claims our name until we take another. */
static void D5_a_name_that_is_taken(void **state)
{
	char packet[] = HEADER "\x10................\7_p2pmsg\4_tcp\5local\0"
			       "\0\x21\x80\1\0\0\0\x78\0\x9\0\0\0\0\0\1\1z\0";
	struct watcher *a, *b;
	char old[17], *name;
	bool is_other = false;
	int fd;

	(void)state;
	need_net();
	ownnet_up_lo();
	assert_true(ownnet_run("ip route add 224.0.0.0/4 dev lo"));
	a = start_embedded(0);
	b = start_embedded(1);
	SEES(b, "+ id=01 127.0.0.1:7101 if=1 lo=1 ");
	snprintf(old, sizeof(old), "%s", strstr(b->text, "lo=1 ") + 5);
	memcpy(strchr(packet + 12, '.'), old, 16);
	watcher_forget(b);
	fd = mdns_socket();
	for (int i = 0; i < 50 && !is_other; i++) {
		shout(fd, packet, sizeof(packet) - 1);
		watcher_sees(b, "+ id=01 127.0.0.1:7101 if=1 lo=1 ", 100);
		name = strstr(b->text, "+ id=01 127.0.0.1:7101 if=1 lo=1 ");
		is_other = name && strncmp(strstr(name, "lo=1 ") + 5, old, 16) != 0;
	}
	close(fd);
	assert_true(is_other);
	SEES_NOT(a, "id=01"); /* the new name is known as its own, too */
}

static void packets_of_noise(void **state)
{
	struct watcher *a;
	uint8_t noise[1400];
	uint64_t x = 1;
	int fd;

	(void)state;
	need_net();
	ownnet_up_lo();
	assert_true(ownnet_run("ip route add 224.0.0.0/4 dev lo"));
	a = start_embedded(0);
	SEES(a, "status embedded\n");
	fd = mdns_socket();
	for (int i = 0; i < 2000; i++) {
		for (size_t k = 0; k < sizeof(noise); k++) {
			x = x * 6364136223846793005U + 1442695040888963407U;
			noise[k] = (uint8_t)(x >> 56);
		}
		/* Every other one with a header that makes sense. */
		if (i % 2 == 0)
			memcpy(noise, "\0\0\x84\0\0\0\0\4\0\0\0\4", 12);
		shout(fd, noise, (size_t)i % sizeof(noise));
	}
	close(fd);
	start_embedded(1);
	SEES(a, "+ id=02");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, clean, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_people_with_lo_only),
		TEST(three_people_on_two_hosts),
		TEST(a_peer_by_hand),
		TEST(hidden_sees_and_is_not_seen),
		TEST(virtual_networks_only_when_asked_for),
		TEST(D6_two_interfaces_on_one_link),
		TEST(goodbye_is_said_on_every_interface),
		TEST(an_address_that_changes_is_followed),
		TEST(no_network_is_said_and_mended),
		TEST(D3_an_answer_that_ends_avahi),
		TEST(D5_a_name_that_is_taken),
		TEST(packets_of_noise),
	};

	has_net = ownnet_enter();
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/none", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
