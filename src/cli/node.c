#include "cli/node.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "cli/doctor.h"
#include "discovery/discovery.h"
#include "net/ifwatch.h"
#include "net/net.h"
#include "store/store.h"

enum {
	CHAN_OUT_MAX = 256 << 10,
	CERTS_KEPT = 1024,
	DIAL_TIMEOUT_S = 3,
	PORT_FILE_BYTES = 16,
	LOAD_MS = 60000
};

struct node {
	struct node_config cfg;
	struct chan_pool *pool;
	struct chan_config chan;
	struct net *net;
	struct core *core;
	struct discovery *discovery;
	struct ifwatch *ifwatch;
	struct store *store;
	struct loop_watch *watch; /* of the store */
	struct loop_tick tick;
	uint16_t port;
};

/* ---- what core asks for ---- */

static enum err fixed_add(void *ctx, const char *host_port, const struct id32 *id)
{
	struct node *n = ctx;
	return n->discovery ? discovery_fixed_add(n->discovery, host_port, id) : ERR_OK;
}

static enum err fixed_del(void *ctx, const char *host_port)
{
	struct node *n = ctx;
	return n->discovery ? discovery_fixed_del(n->discovery, host_port) : ERR_OK;
}

static void again(void *ctx, const char *instance)
{
	struct node *n = ctx;
	if (n->discovery)
		discovery_again(n->discovery, instance);
}

static void visible_set(void *ctx, bool is_visible)
{
	struct node *n = ctx;
	if (n->discovery)
		discovery_visible_set(n->discovery, is_visible);
}

static void address_proved(void *ctx, const struct addr *a)
{
	struct node *n = ctx;
	net_address_proved(n->net, a);
}

static enum err save(void *ctx)
{
	const struct node *n = ctx;
	enum err e = file_make_dir(n->cfg.paths->config_dir);
	return e == ERR_OK ? options_save(n->cfg.options, n->cfg.paths->profile_config)
			   : e;
}

static bool has_store(const struct node *n)
{
	return !n->cfg.is_storeless && options_enum(n->cfg.options, OPT_store) == 0;
}

static void inspect(void *ctx, core_finding_fn *fn, void *fn_ctx)
{
	const struct node *n = ctx;
	doctor_inspect(n->cfg.paths, has_store(n), fn, fn_ctx);
}

static void stop(void *ctx)
{
	struct node *n = ctx;
	n->cfg.on_stop(n->cfg.ctx);
}

/* ---- what core is told ---- */

static void on_sighting(void *ctx, const struct sighting *s)
{
	struct node *n = ctx;
	core_sighting(n->core, s);
}

static void on_status(void *ctx, const char *backend, const char *trouble)
{
	struct node *n = ctx;
	core_discovery_status(n->core, backend, trouble);
}

static void on_ifaces(void *ctx, const struct ifaces *ifs)
{
	struct node *n = ctx;
	core_ifaces(n->core, ifs);
	discovery_ifaces_set(n->discovery, ifs);
}

static void on_tick(void *ctx)
{
	struct node *n = ctx;
	if (core_tick(n->core))
		loop_again(n->cfg.loop);
}

/* ---- the port used last ---- */

static uint16_t last_port(const struct node *n)
{
	struct buf b;
	buf_init(&b, PORT_FILE_BYTES);
	long port = 0;
	if (file_read(n->cfg.paths->last_port, &b) == ERR_OK &&
	    buf_u8(&b, '\0') == ERR_OK)
		port = strtol((const char *)buf_slice(&b).p, NULL, 10);
	buf_wipe(&b);
	return port >= 1024 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* Only a convenience for those who know our address: no reason to fail. */
static void remember_port(const struct node *n, uint16_t last)
{
	char text[PORT_FILE_BYTES];
	if (n->port == last)
		return;
	snprintf(text, sizeof text, "%u\n", n->port);
	enum err e = file_write_atomic(n->cfg.paths->last_port, slice_str(text), 0600);
	if (e != ERR_OK)
		log_warn("node", "cannot remember the port in %s: %s",
			 n->cfg.paths->last_port, err_str(e));
}

/* ---- start ---- */

static unsigned number(const struct node *n, enum option id)
{
	return (unsigned)options_int(n->cfg.options, id);
}

static struct net *new_net(struct node *n)
{
	enum { BOTH, ONLY_IP4, ONLY_IP6 };
	unsigned ip = options_enum(n->cfg.options, OPT_ip);
	struct net_config cfg = {
		.loop = n->cfg.loop,
		.chan = &n->chan,
		.limits = {.handshake_s = number(n, OPT_handshake_timeout),
			   .half_open_ip = number(n, OPT_half_open_ip),
			   .half_open = number(n, OPT_half_open),
			   .new_ip_second = number(n, OPT_new_ip_second),
			   .new_second = number(n, OPT_new_second),
			   .dial_timeout_s = DIAL_TIMEOUT_S},
		.use_ip4 = ip != ONLY_IP6,
		.use_ip6 = ip != ONLY_IP4,
	};
	return net_new(&cfg);
}

static struct core *new_core(struct node *n)
{
	struct core_config cfg = {
		.clock = clock_system(),
		.timers = loop_timers(n->cfg.loop),
		.rng = rng_system(),
		.identity = n->cfg.identity,
		.boot = n->chan.boot,
		.options = n->cfg.options,
		.link = net_link_ops(),
		.net = n->net,
		.ports = {n, fixed_add, fixed_del, again, visible_set, address_proved,
			  save, stop, inspect},
		.store = n->store,
		.profile = n->cfg.profile,
	};
	return core_new(&cfg);
}

static enum status say_port(unsigned wanted, enum err e)
{
	if (e == ERR_IN_USE)
		say("cannot listen on port %u: in use by another program (leave --port "
		    "out "
		    "for any free port)",
		    wanted);
	else if (e == ERR_PERM)
		say("cannot listen on port %u: not allowed (ports from 1024 on are open "
		    "to "
		    "everybody; leave --port out for any free one)",
		    wanted);
	else if (wanted != 0)
		say("cannot listen on port %u: %s", wanted, err_str(e));
	else
		say("cannot listen on any port: %s (does this machine have the addresses "
		    "that --ip asks for?)",
		    err_str(e));
	return STATUS_LOCAL;
}

static enum status listen_somewhere(struct node *n)
{
	uint16_t wanted = (uint16_t)number(n, OPT_port), last = last_port(n);
	enum err e = net_listen(n->net, wanted, last, &n->port);
	if (e != ERR_OK)
		return say_port(wanted, e);
	remember_port(n, last);
	core_listening(n->core, n->port);
	return STATUS_DONE;
}

/* "host[:port] [id]" or a URI with an address. */
static enum err add_fixed(struct node *n, const char *text)
{
	struct id32 id;
	char *own = mem_strdup(text), *host = mem_new(strlen(text) + 1);
	const char *address = own;
	size_t cut = strcspn(own, " \t");
	const char *id_text = own + cut + strspn(own + cut, " \t");
	bool has_id = *id_text != '\0';
	own[cut] = '\0';
	enum err e = has_id ? node_id_parse(id_text, &id) : ERR_OK;
	if (strncasecmp(own, "p2pmsg:", strlen("p2pmsg:")) == 0) {
		e = uri_parse(own, &id, host);
		address = host;
		has_id = true;
	}
	if (e == ERR_OK)
		e = discovery_fixed_add(n->discovery, address, has_id ? &id : NULL);
	mem_free(host);
	mem_free(own);
	return e;
}

static enum status add_all_fixed(struct node *n)
{
	for (size_t i = 0; i < options_list_count(n->cfg.options, OPT_peer); i++) {
		const char *text = options_list(n->cfg.options, OPT_peer, i);
		if (add_fixed(n, text) == ERR_OK)
			continue;
		say("'%s' is no peer: give HOST, HOST:PORT or [IPV6]:PORT, with a port "
		    "from 1024 on, and behind it the id that must answer there, if you "
		    "like",
		    text);
		return STATUS_USAGE;
	}
	return STATUS_DONE;
}

static enum status start_discovery(struct node *n)
{
	static const struct discovery_events events = {on_sighting, on_status};
	const char *names[IFACES_MAX];
	const struct options *o = n->cfg.options;
	struct discovery_config cfg = {
		.loop = n->cfg.loop,
		.rng = rng_system(),
		.mode = (enum discovery_mode)options_enum(o, OPT_discovery),
		.node_id = *identity_node_id(n->cfg.identity),
		.port = n->port,
		.is_visible = options_enum(o, OPT_visibility) == 0,
		.use_ip4 = options_enum(o, OPT_ip) != 2,
		.use_ip6 = options_enum(o, OPT_ip) != 1,
		.interfaces = names,
	};
	while (cfg.n_interfaces < options_list_count(o, OPT_interface) &&
	       cfg.n_interfaces < IFACES_MAX) {
		names[cfg.n_interfaces] =
			options_list(o, OPT_interface, cfg.n_interfaces);
		cfg.n_interfaces++;
	}
	enum err e = discovery_start(&cfg, &events, n, &n->discovery);
	if (e == ERR_OK)
		e = ifwatch_start(n->cfg.loop, on_ifaces, n, &n->ifwatch);
	if (e == ERR_OK)
		return STATUS_DONE;
	say("cannot look at this machine's network interfaces: %s", err_str(e));
	return STATUS_LOCAL;
}

/* ---- the store ---- */

static void on_trouble(void *ctx, enum err e, const char *text)
{
	struct node *n = ctx;
	log_warn("store", "%s", text);
	if (n->core != NULL)
		core_notice(n->core, e == ERR_OK ? "warning" : "alarm", "%s", text);
}

static enum status open_store(struct node *n)
{
	uint8_t key[STORE_KEY_BYTES];
	char why[STORE_WHY_BYTES];
	struct store_config cfg = {
		.path = has_store(n) ? n->cfg.paths->store : NULL,
		.key = key,
		.rng = rng_system(),
		.now_ms = clock_wall_ms(clock_system()),
		.on_trouble = on_trouble,
		.ctx = n,
	};
	identity_db_key(n->cfg.identity, key);
	enum err e = store_open(&cfg, &n->store, why);
	secret_wipe(key, sizeof key);
	if (e == ERR_OK)
		return STATUS_DONE;
	say_error("open the messages in", n->cfg.paths->store, e, why);
	return STATUS_LOCAL;
}

static void on_store(void *ctx)
{
	(void)ctx; /* the end of the tick asks it */
}

static enum status await_load(struct node *n)
{
	while (!core_is_ready(n->core)) {
		struct pollfd p = {.fd = store_fd(n->store), .events = POLLIN};
		if (p.fd >= 0 && poll(&p, 1, LOAD_MS) == 0) {
			say("cannot read the messages in %s: no answer from the disk",
			    n->cfg.paths->store);
			return STATUS_LOCAL;
		}
		core_tick(n->core);
	}
	return STATUS_DONE;
}

/* Opening it again mends it. */
static enum status start_core(struct node *n, bool is_again)
{
	enum status s = open_store(n);
	if (s != STATUS_DONE)
		return s;
	n->core = new_core(n);
	s = await_load(n);
	enum err e = core_load_err(n->core);
	if (s != STATUS_DONE || e == ERR_OK)
		return s;
	if (e == ERR_CORRUPT && !is_again) {
		store_free(n->store);
		core_free(n->core);
		n->store = NULL;
		n->core = NULL;
		return start_core(n, true);
	}
	char *text = say_file("read who is known from", n->cfg.paths->store, e, NULL);
	say("%s", text);
	mem_free(text);
	return STATUS_LOCAL;
}

static enum status watch_store(struct node *n)
{
	if (store_fd(n->store) < 0 || loop_watch_start(n->cfg.loop, store_fd(n->store),
						       on_store, n, &n->watch) == ERR_OK)
		return STATUS_DONE;
	say("cannot watch the store: the system has no descriptor left");
	return STATUS_LOCAL;
}

static void tell_swap(const struct node *n)
{
	if (!secret_may_be_swapped())
		return;
	log_info("node", "too little memory can be locked");
	core_notice(
		n->core, "warning",
		"the system lets p2pmsg lock too little memory, so keys may reach the "
		"disk as swap: raise the limit (ulimit -l), or encrypt the swap");
}

enum status node_start(const struct node_config *cfg, struct node **out)
{
	struct node *n = mem_new(sizeof *n);
	enum status s = STATUS_DONE;
	n->cfg = *cfg;
	n->pool = chan_pool_new(CERTS_KEPT);
	n->chan = (struct chan_config){
		.self = cfg->identity,
		.rng = rng_system(),
		.clock = clock_system(),
		.out_max = CHAN_OUT_MAX,
		.pool = n->pool,
	};
	rng_fill(rng_system(), &n->chan.boot, sizeof n->chan.boot);
	n->net = new_net(n);
	/* Nobody may come in before core knows whom it knows. */
	s = start_core(n, false);
	if (s == STATUS_DONE)
		s = watch_store(n);
	if (n->core != NULL) {
		net_events_set(n->net, core_link_events(), n->core);
		loop_tick_add(cfg->loop, &n->tick, on_tick, n);
	}
	if (s == STATUS_DONE && cfg->is_networked) {
		s = listen_somewhere(n);
		if (s == STATUS_DONE)
			s = start_discovery(n);
		if (s == STATUS_DONE)
			s = add_all_fixed(n);
	}
	if (s == STATUS_DONE)
		tell_swap(n);
	if (s == STATUS_DONE)
		*out = n;
	else
		node_stop(n);
	return s;
}

/* ---- the end ---- */

void node_goodbye(struct node *n, void (*done)(void *ctx), void *ctx)
{
	net_goodbye(n->net, done, ctx);
}

void node_stop(struct node *n)
{
	if (!n)
		return;
	ifwatch_stop(n->ifwatch);
	discovery_stop(n->discovery);
	if (n->core != NULL)
		loop_tick_del(&n->tick);
	loop_watch_stop(n->watch);
	store_free(n->store); /* before core: what it has to say comes too late */
	core_free(n->core);
	net_free(n->net);
	chan_pool_free(n->pool);
	mem_free(n);
}

struct core *node_core(struct node *n)
{
	return n->core;
}

uint16_t node_port(const struct node *n)
{
	return n->port;
}
