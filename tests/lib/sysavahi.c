#include "lib/sysavahi.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUS "/run/test-bus"
#define LOG "/run/test-avahi.log"

static const char bus_conf[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration "
	"1.0//EN\""
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">"
	"<busconfig><type>system</type><listen>unix:path=" BUS "</listen>"
	"<auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>"
	"<allow own=\"*\"/><allow send_type=\"method_call\"/>"
	"<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>"
	"</policy></busconfig>";

static const char avahi_conf[] =
	"[server]\nhost-name=tester\nuse-ipv4=yes\nuse-ipv6=yes\n"
	"disallow-other-stacks=no\nenable-dbus=yes\n"
	"[wide-area]\nenable-wide-area=no\n"
	"[publish]\npublish-hinfo=no\npublish-workstation=no\n"
	"[reflector]\n[rlimits]\n";

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

bool sysavahi_is_possible(void)
{
	return geteuid() == 0 && access("/usr/bin/dbus-daemon", X_OK) == 0 &&
	       access("/usr/sbin/avahi-daemon", X_OK) == 0;
}

void sysavahi_address_set(void)
{
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=" BUS, 1);
}

/* What it says goes to the log. */
static pid_t spawn(const char *command)
{
	pid_t pid;
	int log;

	fflush(stdout);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log = open(LOG, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static bool log_says(const char *what)
{
	char text[8192];
	size_t n;
	FILE *f = fopen(LOG, "r");

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return strstr(text, what) != NULL;
}

bool sysavahi_bus_start(struct sysavahi *s)
{
	write_file("/run/test-bus.conf", bus_conf);
	unlink(BUS);
	s->bus = spawn("exec dbus-daemon --config-file=/run/test-bus.conf --nofork "
		       "--nopidfile --nosyslog");
	for (int i = 0; i < 500; i++, usleep(10000))
		if (access(BUS, F_OK) == 0)
			return true;
	return false;
}

bool sysavahi_start(struct sysavahi *s)
{
	write_file("/run/test-avahi.conf", avahi_conf);
	unlink("/run/avahi-daemon/pid");
	unlink("/run/avahi-daemon/socket");
	unlink(LOG);
	s->daemon = spawn("exec /usr/sbin/avahi-daemon -f /run/test-avahi.conf "
			  "--no-drop-root --no-chroot --no-rlimits --debug");
	for (int i = 0; i < 500; i++, usleep(10000))
		if (log_says("Server startup complete"))
			return true;
	return false;
}

static void end(pid_t *pid)
{
	if (*pid == 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

void sysavahi_kill(struct sysavahi *s)
{
	end(&s->daemon);
}

void sysavahi_bus_kill(struct sysavahi *s)
{
	end(&s->bus);
	unlink(BUS);
}
