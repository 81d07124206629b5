#include "cli/askpass.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Ending or stopping here would leave the terminal without echo: so a signal only
 * ends the reading, and takes its usual effect once the terminal is as it was. */
static const int signals[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
enum { N_SIGNALS = sizeof signals / sizeof *signals };

static volatile sig_atomic_t got_signal;

static void on_signal(int signum)
{
	got_signal = signum;
}

static void catch_signals(struct sigaction old[static N_SIGNALS])
{
	struct sigaction act = {.sa_handler = on_signal};
	got_signal = 0;
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &act, &old[i]);
}

static void release_signals(const struct sigaction old[static N_SIGNALS])
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &old[i], NULL);
	if (got_signal)
		raise(got_signal);
}

static void put(int tty, const char *s)
{
	if (write(tty, s, strlen(s)) < 0)
		return; /* the terminal is gone, as reading will say */
}

static enum err read_secret(int tty, char *out, size_t max)
{
	size_t n = 0;
	bool is_long = false;
	char c = '\0';
	while (c != '\n') {
		if (read(tty, &c, 1) != 1)
			return ERR_IO;
		is_long |= n + 1 >= max && c != '\n';
		if (c != '\n' && !is_long)
			out[n++] = c;
	}
	out[n] = '\0';
	return is_long ? ERR_LIMIT : ERR_OK;
}

/* Once; ERR_WAIT: it was stopped and is to be asked again. */
static enum err ask(int tty, const char *prompt, char *out, size_t max)
{
	struct termios old, quiet;
	struct sigaction actions[N_SIGNALS];
	if (tcgetattr(tty, &old) != 0)
		return ERR_MISSING;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	quiet.c_lflag |= ECHONL | ICANON;
	catch_signals(actions);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	put(tty, prompt);
	enum err e = read_secret(tty, out, max);
	tcsetattr(tty, TCSAFLUSH, &old);
	bool was_stopped = got_signal == SIGTSTP;
	release_signals(actions);
	return was_stopped ? ERR_WAIT : e;
}

enum err askpass(const char *prompt, char *out, size_t max)
{
	enum err e;
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (tty < 0)
		return ERR_MISSING;
	do
		e = ask(tty, prompt, out, max);
	while (e == ERR_WAIT);
	close(tty);
	return e;
}
