/*
 * Several processes on networks of their own, with a D-Bus and an avahi-daemon that
 * come and go. Skipped where networks cannot be made or the two are not installed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/ownnet.h"
#include "lib/skip.h"
#include "lib/sysavahi.h"
#include "lib/watchers.h"

static bool has_net;
static struct sysavahi avahi;

/* Every test begins with lo alone, down; and no process may have ended badly. */
static int clean(void **state)
{
	(void)state;
	sysavahi_kill(&avahi);
	sysavahi_bus_kill(&avahi);
	bool is_well = watchers_stop();
	if (has_net)
		ownnet_clean();
	return is_well ? 0 : -1;
}

static void need_avahi(void)
{
	if (!has_net || !sysavahi_is_possible())
		skip_because("no network of our own, or no avahi-daemon and dbus-daemon");
}

static void start_daemon(void)
{
	if (avahi.bus == 0)
		assert_true(sysavahi_bus_start(&avahi));
	assert_true(sysavahi_start(&avahi));
}

static struct watcher *start_auto(int i)
{
	return watchers_start(i, (struct watcher_options){.mode = DISCOVERY_AUTO});
}

static void the_daemon_serves_two_people(void **state)
{
	struct watcher *a, *b, *c;

	(void)state;
	need_avahi();
	ownnet_up_lo();
	ownnet_up_pair();
	start_daemon();
	a = start_auto(0);
	b = watchers_start(1, (struct watcher_options){.mode = DISCOVERY_AVAHI});
	c = watchers_start_other_host(2);
	SEES(a, "status avahi\n");
	SEES(b, "status avahi\n");
	SEES(a, "+ id=02 10.77.0.1:7102");
	SEES(b, "+ id=01 10.77.0.1:7101");
	SEES(a, "+ id=03 10.77.0.2:7103");
	SEES(c, "+ id=01 10.77.0.1:7101");
	watcher_tell(a, "hide");
	SEES(b, "- id=01 10.77.0.1:7101");
	SEES(c, "- id=01 10.77.0.1:7101");
	watcher_forget(b);
	watcher_tell(a, "show");
	SEES(b, "+ id=01 10.77.0.1:7101");
	watcher_stop(b);
	SEES(a, "- id=02 10.77.0.1:7102");
	assert_null(strstr(a->text, "id=01"));
	assert_in_range(watcher_stop(a), 0, 1000);
	assert_in_range(watcher_stop(c), 0, 1000);
}

static void goodbye_is_said_on_every_interface(void **state)
{
	struct watcher *a, *b, *c;

	(void)state;
	need_avahi();
	ownnet_up_pair();
	b = watchers_start_other_host(1);
	c = watchers_start_third_host(2);
	start_daemon();
	a = start_auto(0);
	SEES(a, "status avahi\n");
	SEES(b, "+ id=01 10.77.0.1:7101");
	SEES(c, "+ id=01 10.78.0.1:7101");
	watcher_stop(a);
	SEES(b, "- id=01 10.77.0.1:7101");
	SEES(c, "- id=01 10.78.0.1:7101");
}

/* D6: nobody seems to leave while the daemon is away. */
static void D6_the_daemon_goes_and_comes(void **state)
{
	struct watcher *a, *b, *c;

	(void)state;
	need_avahi();
	ownnet_up_pair();
	start_daemon();
	a = start_auto(0);
	b = start_auto(1);
	SEES(a, "status avahi\n");
	SEES(a, "+ id=02 10.77.0.1:7102");
	SEES(b, "+ id=01 10.77.0.1:7101");
	watcher_forget(a);
	sysavahi_kill(&avahi);
	SEES(a, "status embedded\n");
	SEES(b, "status embedded\n");
	c = watchers_start_other_host(2);
	SEES(a, "+ id=03 10.77.0.2:7103");
	SEES(c, "+ id=01 10.77.0.1:7101");
	watcher_forget(a);
	watcher_forget(c);
	start_daemon();
	SEES(a, "status avahi\n");
	SEES(b, "status avahi\n");
	SEES_NOT(a, "- id=02 10.77.0.1:7102");
	watcher_stop(b);
	SEES(a, "- id=02 10.77.0.1:7102");
	watcher_stop(c);
	SEES(a, "- id=03 10.77.0.2:7103");
}

/* What we announced points at the old name: it must be announced anew. */
static void the_daemon_changes_its_host_name(void **state)
{
	struct watcher *a, *c;

	(void)state;
	need_avahi();
	if (access("/usr/bin/avahi-set-host-name", X_OK) != 0)
		skip_because("no avahi-set-host-name");
	ownnet_up_pair();
	start_daemon();
	a = start_auto(0);
	c = watchers_start_other_host(1);
	SEES(a, "status avahi\n");
	SEES(c, "+ id=01 10.77.0.1:7101");
	assert_true(ownnet_run("avahi-set-host-name another"));
	sleep(2);
	SEES(start_auto(2), "+ id=01 10.77.0.1:7101");
	SEES(watchers_start(3, (struct watcher_options){.mode = DISCOVERY_EMBEDDED}),
	     "+ id=01 10.77.0.1:7101");
}

static void a_bus_that_comes_late(void **state)
{
	struct watcher *a, *b;

	(void)state;
	need_avahi();
	ownnet_up_pair();
	a = start_auto(0);
	b = watchers_start(1, (struct watcher_options){.mode = DISCOVERY_AVAHI});
	SEES(a, "status embedded\n");
	SEES(b, "status off: the Avahi daemon cannot be used: ");
	start_daemon();
	SEES(a, "status avahi\n");
	SEES(b, "status avahi\n");
	SEES(a, "+ id=02 10.77.0.1:7102");
	sysavahi_kill(&avahi);
	sysavahi_bus_kill(&avahi);
	watcher_forget(b);
	SEES(b, "status off: the Avahi daemon cannot be used: ");
	assert_in_range(watcher_stop(b), 0, 1000);
}

/* It stands still, and so does the thread that asked it; nobody else. */
static void a_stuck_daemon_does_not_hold_us(void **state)
{
	struct watcher *a;

	(void)state;
	need_avahi();
	ownnet_up_pair();
	start_daemon();
	assert_int_equal(kill(avahi.daemon, SIGSTOP), 0);
	a = start_auto(0);
	SEES_NOT(a, "status");
	assert_in_range(watcher_stop(a), 400, 2000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, clean, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_daemon_serves_two_people),
		TEST(goodbye_is_said_on_every_interface),
		TEST(D6_the_daemon_goes_and_comes),
		TEST(the_daemon_changes_its_host_name),
		TEST(a_bus_that_comes_late),
		TEST(a_stuck_daemon_does_not_hold_us),
	};

	has_net = ownnet_enter();
	sysavahi_address_set();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
