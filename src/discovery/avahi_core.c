/*
 * The embedded mDNS stack. It announces a host name of its own with the addresses of
 * the interfaces in use and no reverse records: those of a daemon on the same host
 * would be in the way, and one of the two would withdraw.
 */
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-core/core.h>
#include <avahi-core/log.h>
#include <avahi-core/lookup.h>
#include <avahi-core/publish.h>

#include "base/mem.h"
#include "discovery/backends.h"
#include "discovery/clash.h"
#include "discovery/conv.h"
#include "discovery/guard.h"

/* With the default of 4096 a real peer is not found behind 5000 false ones; 65536
 * cost 14 MiB when full. */
enum { CACHE_ENTRIES_MAX = 65536 };

struct avahi_core {
	struct backend *backend;
	struct guard *guard;
	AvahiServer *server;
};

/* Its lines are for a daemon's log, and this is not the thread that may write. */
static void on_log(AvahiLogLevel level, const char *line)
{
	(void)level, (void)line;
}

static void on_state(AvahiServer *server, AvahiServerState state, void *ctx)
{
	struct avahi_core *c = ctx;

	if (state == AVAHI_SERVER_RUNNING)
		backend_on_up(c->backend);
	else if (state == AVAHI_SERVER_FAILURE)
		backend_on_failed(c->backend, avahi_strerror(avahi_server_errno(server)));
}

static AvahiStringList *allowed(const struct link_names *names)
{
	AvahiStringList *list = NULL;

	for (size_t i = 0; i < names->n; i++)
		list = avahi_string_list_add(list, names->v[i]);
	return list;
}

static void configure(const struct backend *b, AvahiServerConfig *config)
{
	const struct links_rule *rule = backend_rule(b);
	const char *host = backend_service(b)->host;

	avahi_server_config_init(config);
	config->host_name = avahi_strndup(host, strcspn(host, "."));
	config->use_ipv4 = rule->use_ip4;
	config->use_ipv6 = rule->use_ip6;
	config->allow_interfaces = allowed(backend_names(b));
	config->allow_point_to_point = rule->asked.n > 0;
	config->publish_addresses = 0;
	config->publish_hinfo = 0;
	config->publish_workstation = 0;
	config->publish_domain = 0;
	config->enable_wide_area = 0;
	config->disallow_other_stacks = 0;
	config->n_cache_entries_max = CACHE_ENTRIES_MAX;
}

static void core_close(void *self)
{
	struct avahi_core *c = self;

	if (c->server)
		avahi_server_free(c->server);
	clash_server_set(NULL);
	guard_free(c->guard);
	mem_free(c);
}

static void *core_open(struct backend *b)
{
	struct avahi_core *c = mem_new(sizeof(*c));
	AvahiServerConfig config;
	int error = 0;

	avahi_set_log_function(on_log);
	c->backend = b;
	c->guard = guard_new(backend_poll(b));
	configure(b, &config);
	c->server = avahi_server_new(guard_poll(c->guard), &config, on_state, c, &error);
	avahi_server_config_free(&config);
	clash_server_set(c->server);
	if (c->server)
		return c;
	backend_on_failed(b, error == AVAHI_ERR_NO_NETWORK
				     ? "another program holds UDP port 5353"
				     : avahi_strerror(error));
	core_close(c);
	return NULL;
}

static void failed(struct avahi_core *c)
{
	backend_on_failed(c->backend, avahi_strerror(avahi_server_errno(c->server)));
}

static void on_browse(AvahiSServiceBrowser *browser, AvahiIfIndex index,
		      AvahiProtocol protocol, AvahiBrowserEvent event, const char *name,
		      const char *type, const char *domain, AvahiLookupResultFlags flags,
		      void *ctx)
{
	struct backend_link *l = ctx;

	(void)browser, (void)type, (void)domain, (void)flags;
	if (event == AVAHI_BROWSER_FAILURE)
		backend_on_failed(l->of, "browsing ended");
	conv_browse(l, index, protocol, event, name);
}

/* Prepared and started in two steps: the short cut asserts that the first one
 * worked. */
static void core_link_open(void *self, struct backend_link *l)
{
	struct avahi_core *c = self;

	l->browser = avahi_s_service_browser_prepare(
		c->server, (AvahiIfIndex)l->iface.index,
		conv_rule(backend_rule(c->backend)), BACKEND_TYPE, BACKEND_DOMAIN, 0,
		on_browse, l);
	if (l->browser)
		avahi_s_service_browser_start(l->browser);
	else
		failed(c);
}

static void core_unpublish(void *self, struct backend_link *l)
{
	(void)self;
	if (l->service)
		avahi_s_entry_group_reset(l->service);
	if (l->host)
		avahi_s_entry_group_reset(l->host);
}

static void core_link_close(void *self, struct backend_link *l)
{
	(void)self;
	if (l->browser)
		avahi_s_service_browser_free(l->browser);
	if (l->service)
		avahi_s_entry_group_free(l->service);
	if (l->host)
		avahi_s_entry_group_free(l->host);
}

static void on_group(AvahiServer *server, AvahiSEntryGroup *group,
		     AvahiEntryGroupState state, void *ctx)
{
	struct backend_link *l = ctx;

	(void)group;
	if (state == AVAHI_ENTRY_GROUP_COLLISION)
		backend_on_collision(l->of);
	else if (state == AVAHI_ENTRY_GROUP_FAILURE)
		backend_on_refused(l->of, avahi_strerror(avahi_server_errno(server)));
}

static bool group_ready(struct avahi_core *c, struct backend_link *l, void **group)
{
	if (*group)
		avahi_s_entry_group_reset(*group);
	else
		*group = avahi_s_entry_group_new(c->server, on_group, l);
	return *group;
}

static int add_host(struct avahi_core *c, struct backend_link *l,
		    const struct backend_service *service)
{
	int r = group_ready(c, l, &l->host) ? 0 : AVAHI_ERR_NO_MEMORY;

	for (size_t i = 0; i < l->n_addrs && r >= 0; i++) {
		AvahiAddress a;

		conv_address(&l->addrs[i], &a);
		r = avahi_server_add_address(
			c->server, l->host, (AvahiIfIndex)l->iface.index,
			AVAHI_PROTO_UNSPEC, AVAHI_PUBLISH_NO_REVERSE, service->host, &a);
	}
	return r < 0 ? r : avahi_s_entry_group_commit(l->host);
}

/* A new name comes after an unpublish; so what stands is right, and must not be taken
 * back only because an address changed. */
static bool is_standing(const struct backend_link *l)
{
	AvahiEntryGroupState state = AVAHI_ENTRY_GROUP_UNCOMMITED;

	if (l->service)
		state = avahi_s_entry_group_get_state(l->service);
	return state == AVAHI_ENTRY_GROUP_REGISTERING ||
	       state == AVAHI_ENTRY_GROUP_ESTABLISHED;
}

static int add_service(struct avahi_core *c, struct backend_link *l,
		       const struct backend_service *service)
{
	AvahiStringList *txt = conv_txt(service);
	int r = group_ready(c, l, &l->service) ? 0 : AVAHI_ERR_NO_MEMORY;

	if (r >= 0)
		r = avahi_server_add_service_strlst(
			c->server, l->service, (AvahiIfIndex)l->iface.index,
			AVAHI_PROTO_UNSPEC, 0, l->instance, BACKEND_TYPE, BACKEND_DOMAIN,
			service->host, service->port, txt);
	avahi_string_list_free(txt);
	return r < 0 ? r : avahi_s_entry_group_commit(l->service);
}

static void core_publish(void *self, struct backend_link *l,
			 const struct backend_service *service)
{
	struct avahi_core *c = self;
	int r = add_host(c, l, service);

	if (r >= 0 && !is_standing(l))
		r = add_service(c, l, service);
	if (r == AVAHI_ERR_COLLISION)
		backend_on_collision(c->backend);
	else if (r < 0)
		backend_on_refused(c->backend, avahi_strerror(r));
}

static void on_resolved(AvahiSServiceResolver *r, AvahiIfIndex index,
			AvahiProtocol protocol, AvahiResolverEvent event,
			const char *name, const char *type, const char *domain,
			const char *host, const AvahiAddress *a, uint16_t port,
			AvahiStringList *txt, AvahiLookupResultFlags flags, void *ctx)
{
	(void)r, (void)index, (void)protocol, (void)name, (void)type, (void)domain;
	(void)host, (void)flags;
	conv_answer(ctx, event == AVAHI_RESOLVER_FOUND ? a : NULL, port, txt);
}

static void *core_ask(void *self, struct heard_place *p)
{
	struct avahi_core *c = self;
	AvahiProtocol protocol = conv_protocol(p->family);
	AvahiSServiceResolver *r = avahi_s_service_resolver_prepare(
		c->server, (AvahiIfIndex)p->ifindex, protocol, p->instance, BACKEND_TYPE,
		BACKEND_DOMAIN, protocol, 0, on_resolved, p);

	if (r)
		avahi_s_service_resolver_start(r);
	return r;
}

static void core_hush(void *self, void *resolver)
{
	(void)self;
	avahi_s_service_resolver_free(resolver);
}

const struct backend_ops avahi_core_ops = {
	.name = "embedded",
	.has_addresses = true,
	.open = core_open,
	.close = core_close,
	.link_open = core_link_open,
	.link_close = core_link_close,
	.publish = core_publish,
	.unpublish = core_unpublish,
	.ask = core_ask,
	.hush = core_hush,
};
