#include "base/tune.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/log.h"

enum {
	/* So much of a queue is left standing: less would cost throughput on links whose
	 * delay varies by itself. */
	QUEUE_US = 25 * 1000,
	/* Bytes that wait here and not in the network: what is said next is not behind
	 * them. */
	UNSENT_BYTES = 128 << 10
};

/* Below it a lost measurement would hold the transfer for minutes. */
static const uint64_t rate_min = 32 << 10;

static uint64_t least_known(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static uint64_t slower(uint64_t rate, uint64_t delivery_rate)
{
	uint64_t from = least_known(rate, delivery_rate);
	uint64_t to = from / 5 * 4;

	if (from == 0)
		return rate;
	return to > rate_min ? to : rate_min;
}

static uint64_t faster(uint64_t rate)
{
	uint64_t more = rate / 20;

	return more < UINT64_MAX - rate ? rate + more : UINT64_MAX;
}

uint64_t tune_next_rate(uint64_t rate, const struct tune_sample *s)
{
	if (s->rtt_us == 0 || s->min_rtt_us == 0)
		return rate;
	if (s->rtt_us > s->min_rtt_us && s->rtt_us - s->min_rtt_us > QUEUE_US)
		return slower(rate, s->delivery_rate);
	return faster(rate);
}

/* ------------------------------------------------------------------- socket */

typedef int name_fn(int fd, struct sockaddr *sa, socklen_t *n);

static bool get_addr(int fd, name_fn *name, struct addr *out)
{
	struct sockaddr_storage sa = {0};
	socklen_t n = sizeof(sa);

	return name(fd, (struct sockaddr *)&sa, &n) == 0 &&
	       addr_from_sockaddr((struct sockaddr *)&sa, out) == ERR_OK;
}

/* False also for what is no connection over IP. */
static bool leaves_this_host(int fd)
{
	struct addr own, other;

	return get_addr(fd, getsockname, &own) && get_addr(fd, getpeername, &other) &&
	       !addr_is_loopback(&other) && !addr_ip_eq(&own, &other);
}

void tune_init(struct tune *t, int fd)
{
	static const char bbr[] = "bbr";
	static const int unsent = UNSENT_BYTES;

	*t = (struct tune){.fd = fd};
	if (!leaves_this_host(fd))
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	t->is_paced =
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, bbr, sizeof(bbr) - 1) != 0;
	log_debug("tune", "%s", t->is_paced ? "paced from here" : "paced by BBR");
}

static bool look(int fd, struct tune_sample *out)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	/* Older kernels say less. */
	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return false;
	*out = (struct tune_sample){info.tcpi_rtt, info.tcpi_min_rtt,
				    info.tcpi_delivery_rate};
	return true;
}

void tune_tick(struct tune *t)
{
	struct tune_sample s;

	if (!t->is_paced || !look(t->fd, &s))
		return;
	uint64_t rate = tune_next_rate(t->rate, &s);
	if (rate != t->rate)
		setsockopt(t->fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate));
	t->rate = rate;
}
