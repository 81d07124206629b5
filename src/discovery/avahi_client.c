/*
 * The system's Avahi daemon, over D-Bus. Its calls wait for the answer; a daemon
 * that does not answer holds each for 25 s, so the first one that fails is the last
 * one that is tried (backend_on_failed).
 */
#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/error.h>

#include "base/mem.h"
#include "discovery/backends.h"
#include "discovery/conv.h"

struct avahi_client {
	struct backend *backend;
	AvahiClient *avahi;
};

/* The daemon is there and says no; anything else means that it is not there. */
static bool is_refusal(int error)
{
	static const int refusals[] = {
		AVAHI_ERR_NOT_PERMITTED,	AVAHI_ERR_ACCESS_DENIED,
		AVAHI_ERR_TOO_MANY_OBJECTS,	AVAHI_ERR_TOO_MANY_ENTRIES,
		AVAHI_ERR_TOO_MANY_CLIENTS,	AVAHI_ERR_NOT_SUPPORTED,
		AVAHI_ERR_INVALID_SERVICE_NAME,
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (error == refusals[i])
			return true;
	return false;
}

/* After a call of the library that did not succeed. */
static void check(struct avahi_client *c)
{
	int error = avahi_client_errno(c->avahi);

	if (!is_refusal(error))
		backend_on_failed(c->backend, avahi_strerror(error));
}

/* First called from inside avahi_client_new. A client that failed never recovers. */
static void on_state(AvahiClient *avahi, AvahiClientState state, void *ctx)
{
	struct avahi_client *c = ctx;

	if (state == AVAHI_CLIENT_S_RUNNING)
		backend_on_up(c->backend);
	else if (state == AVAHI_CLIENT_FAILURE)
		backend_on_failed(c->backend, avahi_strerror(avahi_client_errno(avahi)));
}

static void *client_open(struct backend *b)
{
	struct avahi_client *c = mem_new(sizeof(*c));
	int error = AVAHI_ERR_DBUS_ERROR;

	c->backend = b;
	c->avahi = avahi_client_new(backend_poll(b), AVAHI_CLIENT_NO_FAIL, on_state, c,
				    &error);
	if (c->avahi)
		return c;
	backend_on_failed(b, avahi_strerror(error));
	mem_free(c);
	return NULL;
}

/* Closes the connection first, so nothing is asked of the daemon; it withdraws what
 * we announced when it sees us leave. Browsers, resolvers and groups go too. */
static void client_close(void *self)
{
	struct avahi_client *c = self;

	avahi_client_free(c->avahi);
	mem_free(c);
}

static void on_browse(AvahiServiceBrowser *browser, AvahiIfIndex index,
		      AvahiProtocol protocol, AvahiBrowserEvent event, const char *name,
		      const char *type, const char *domain, AvahiLookupResultFlags flags,
		      void *ctx)
{
	struct backend_link *l = ctx;
	AvahiClient *avahi = avahi_service_browser_get_client(browser);

	(void)type, (void)domain, (void)flags;
	if (event == AVAHI_BROWSER_FAILURE)
		backend_on_failed(l->of, avahi_strerror(avahi_client_errno(avahi)));
	conv_browse(l, index, protocol, event, name);
}

static void client_link_open(void *self, struct backend_link *l)
{
	struct avahi_client *c = self;

	l->browser =
		avahi_service_browser_new(c->avahi, (AvahiIfIndex)l->iface.index,
					  conv_rule(backend_rule(c->backend)),
					  BACKEND_TYPE, BACKEND_DOMAIN, 0, on_browse, l);
	if (!l->browser)
		check(c);
}

static void client_link_close(void *self, struct backend_link *l)
{
	struct avahi_client *c = self;

	if (l->browser && avahi_service_browser_free(l->browser) < 0)
		check(c);
	if (l->service && avahi_entry_group_free(l->service) < 0)
		check(c);
}

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *ctx)
{
	struct backend_link *l = ctx;

	if (state == AVAHI_ENTRY_GROUP_COLLISION)
		backend_on_collision(l->of);
	else if (state == AVAHI_ENTRY_GROUP_FAILURE)
		backend_on_refused(l->of, avahi_strerror(avahi_client_errno(
						  avahi_entry_group_get_client(group))));
}

static int add_service(struct avahi_client *c, struct backend_link *l,
		       const struct backend_service *service)
{
	AvahiStringList *txt = conv_txt(service);
	int r = avahi_entry_group_add_service_strlst(
		l->service, (AvahiIfIndex)l->iface.index,
		conv_rule(backend_rule(c->backend)), 0, l->instance, BACKEND_TYPE,
		BACKEND_DOMAIN, NULL, service->port, txt);

	avahi_string_list_free(txt);
	return r;
}

static void client_publish(void *self, struct backend_link *l,
			   const struct backend_service *service)
{
	struct avahi_client *c = self;
	int r = 0;

	if (!l->service)
		l->service = avahi_entry_group_new(c->avahi, on_group, l);
	else
		r = avahi_entry_group_reset(l->service);
	if (!l->service)
		r = avahi_client_errno(c->avahi);
	if (r >= 0)
		r = add_service(c, l, service);
	if (r >= 0)
		r = avahi_entry_group_commit(l->service);
	if (r == AVAHI_ERR_COLLISION)
		backend_on_collision(c->backend);
	else if (is_refusal(r))
		backend_on_refused(c->backend, avahi_strerror(r));
	else if (r < 0)
		backend_on_failed(c->backend, avahi_strerror(r));
}

static void client_unpublish(void *self, struct backend_link *l)
{
	struct avahi_client *c = self;

	if (l->service && avahi_entry_group_reset(l->service) < 0)
		check(c);
}

static void on_resolved(AvahiServiceResolver *r, AvahiIfIndex index,
			AvahiProtocol protocol, AvahiResolverEvent event,
			const char *name, const char *type, const char *domain,
			const char *host, const AvahiAddress *a, uint16_t port,
			AvahiStringList *txt, AvahiLookupResultFlags flags, void *ctx)
{
	(void)r, (void)index, (void)protocol, (void)name, (void)type, (void)domain;
	(void)host, (void)flags;
	conv_answer(ctx, event == AVAHI_RESOLVER_FOUND ? a : NULL, port, txt);
}

static void *client_ask(void *self, struct heard_place *p)
{
	struct avahi_client *c = self;
	AvahiProtocol protocol = conv_protocol(p->family);
	void *r = avahi_service_resolver_new(c->avahi, (AvahiIfIndex)p->ifindex, protocol,
					     p->instance, BACKEND_TYPE, BACKEND_DOMAIN,
					     protocol, 0, on_resolved, p);

	if (!r)
		check(c);
	return r;
}

static void client_hush(void *self, void *resolver)
{
	struct avahi_client *c = self;

	if (avahi_service_resolver_free(resolver) < 0)
		check(c);
}

const struct backend_ops avahi_client_ops = {
	.name = "avahi",
	.open = client_open,
	.close = client_close,
	.link_open = client_link_open,
	.link_close = client_link_close,
	.publish = client_publish,
	.unpublish = client_unpublish,
	.ask = client_ask,
	.hush = client_hush,
};
