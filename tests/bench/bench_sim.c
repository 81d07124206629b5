/*
 * bench_sim: how the cost of a crowd grows, in the simulation: N nodes hear of each
 * other at once and dial up to EAGER of them. Prints `name<TAB>value<TAB>unit`.
 *
 *   bench_sim N [EAGER]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/sim.h"

static double cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 +
	       (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
}

static double rss_mib(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss / 1024;
}

static unsigned long links(struct sim *s, unsigned n)
{
	unsigned long all = 0;
	for (unsigned i = 0; i < n; i++)
		all += sim_links(s, i);
	return all;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
	const char *eager = argc > 2 ? argv[2] : "256";
	struct sim *s = sim_new(1, n);
	double start = cpu_s(), before_mib = rss_mib();
	sim_keep_texts(s, false);
	for (unsigned i = 0; i < n; i++) {
		options_set(sim_node(s, i)->options, OPT_eager_peers, eager,
			    OPTION_CMDLINE, NULL);
		options_set(sim_node(s, i)->options, OPT_guests, "4096", OPTION_CMDLINE,
			    NULL);
		sim_start(s, i);
	}
	for (unsigned i = 0; i < n; i++) {
		sim_announce(s, i);
		sim_run(s, 5); /* a handshake under way takes locked pages of its own */
	}
	sim_run(s, 10000);
	unsigned long sessions = links(s, n) / 2;
	printf("sim.%u.sessions\t%lu\t\n", n, sessions);
	printf("sim.%u.cpu\t%.2f\ts\n", n, cpu_s() - start);
	printf("sim.%u.per_session\t%.0f\tus\n", n,
	       sessions > 0 ? (cpu_s() - start) * 1e6 / (double)sessions : 0);
	printf("sim.%u.memory\t%.0f\tMiB\n", n, rss_mib() - before_mib);
	sim_free(s);
	return 0;
}
