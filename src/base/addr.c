#include "base/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { PORT_MAX = 65535, PORT_DIGITS = 5 };

static const uint8_t mapped_prefix[12] = {[10] = 0xff, 0xff};

static struct addr from_ip4(const uint8_t *ip)
{
	struct addr a = {.family = ADDR_IP4};

	memcpy(a.ip, ip, 4);
	return a;
}

static struct addr from_ip6(const uint8_t *ip)
{
	struct addr a = {.family = ADDR_IP6};

	if (memcmp(ip, mapped_prefix, sizeof(mapped_prefix)) == 0)
		return from_ip4(ip + sizeof(mapped_prefix));
	memcpy(a.ip, ip, 16);
	return a;
}

/* Without port, brackets and scope. */
static void ip_str(const struct addr *a, char out[static ADDR_TEXT_BYTES])
{
	static const int families[] = {[ADDR_IP4] = AF_INET, [ADDR_IP6] = AF_INET6};

	if (a->family == ADDR_NONE ||
	    inet_ntop(families[a->family], a->ip, out, ADDR_TEXT_BYTES) == NULL)
		snprintf(out, ADDR_TEXT_BYTES, "none");
}

/* "%eth0", or the number when the interface is gone; empty without a scope. */
static void scope_str(uint32_t scope, char out[static IF_NAMESIZE + 1])
{
	out[0] = '\0';
	if (scope == 0)
		return;
	out[0] = '%';
	if (if_indextoname(scope, out + 1) == NULL)
		snprintf(out + 1, IF_NAMESIZE, "%u", (unsigned)scope);
}

void addr_str(const struct addr *a, char out[static ADDR_TEXT_BYTES])
{
	char ip[ADDR_TEXT_BYTES], scope[IF_NAMESIZE + 1];

	ip_str(a, ip);
	scope_str(a->scope, scope);
	if (a->family == ADDR_NONE)
		snprintf(out, ADDR_TEXT_BYTES, "%s", ip);
	else if (a->family == ADDR_IP4)
		snprintf(out, ADDR_TEXT_BYTES, "%.15s:%u", ip, a->port);
	else
		snprintf(out, ADDR_TEXT_BYTES, "[%.45s%s]:%u", ip, scope, a->port);
}

/* Digits only, at most so many. */
static enum err parse_number(const char *s, size_t digits, uint32_t *out)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > digits || s[n] != '\0')
		return ERR_USAGE;
	for (*out = 0; *s != '\0'; s++)
		*out = *out * 10 + (uint32_t)(*s - '0');
	return ERR_OK;
}

static enum err parse_port(const char *s, uint16_t *out)
{
	uint32_t v;

	if (parse_number(s, PORT_DIGITS, &v) != ERR_OK || v > PORT_MAX)
		return ERR_USAGE;
	*out = (uint16_t)v;
	return ERR_OK;
}

static enum err copy_host(const char *s, size_t n, char *host, size_t host_max)
{
	if (n == 0 || n >= host_max)
		return ERR_USAGE;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f)
			return ERR_USAGE;
	}
	memcpy(host, s, n);
	host[n] = '\0';
	return ERR_OK;
}

/* "[v6]" or "[v6]:port" */
static enum err split_brackets(const char *text, char *host, size_t host_max,
			       uint16_t *port)
{
	const char *end = strchr(text, ']');
	enum err e;

	if (end == NULL || (end[1] != '\0' && end[1] != ':'))
		return ERR_USAGE;
	e = copy_host(text + 1, (size_t)(end - text - 1), host, host_max);
	if (e != ERR_OK || strchr(host, ':') == NULL)
		return ERR_USAGE;
	return end[1] == ':' ? parse_port(end + 2, port) : ERR_OK;
}

enum err addr_split(const char *text, char *host, size_t host_max, uint16_t *port)
{
	const char *colon = strchr(text, ':');
	enum err e;

	*port = 0;
	if (text[0] == '[')
		return split_brackets(text, host, host_max, port);
	/* Two colons are an IPv6 address, and then all of it. */
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return copy_host(text, strlen(text), host, host_max);
	e = copy_host(text, (size_t)(colon - text), host, host_max);
	return e == ERR_OK ? parse_port(colon + 1, port) : e;
}

/* The name of an interface, or its number. */
static enum err parse_scope(const char *s, uint32_t *out)
{
	*out = if_nametoindex(s);
	if (*out != 0)
		return ERR_OK;
	return parse_number(s, 9, out) == ERR_OK && *out != 0 ? ERR_OK : ERR_USAGE;
}

static enum err parse_ip(const char *s, struct addr *out)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, s, ip) == 1) {
		*out = from_ip4(ip);
		return ERR_OK;
	}
	if (inet_pton(AF_INET6, s, ip) == 1) {
		*out = from_ip6(ip);
		return ERR_OK;
	}
	return ERR_USAGE;
}

enum err addr_parse(const char *text, struct addr *out)
{
	char host[ADDR_TEXT_BYTES], *percent;
	struct addr a = {0};
	uint32_t scope = 0;
	uint16_t port;

	*out = a;
	if (addr_split(text, host, sizeof(host), &port) != ERR_OK)
		return ERR_USAGE;
	percent = strchr(host, '%');
	if (percent != NULL)
		*percent++ = '\0';
	if (parse_ip(host, &a) != ERR_OK)
		return ERR_USAGE;
	if (percent != NULL && (a.family != ADDR_IP6 || !addr_is_link_local(&a) ||
				parse_scope(percent, &scope) != ERR_OK))
		return ERR_USAGE;
	a.scope = scope;
	a.port = port;
	*out = a;
	return ERR_OK;
}

bool addr_ip_eq(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_ip_eq(a, b) && a->port == b->port && a->scope == b->scope;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == ADDR_IP4)
		return a->ip[0] == 127;
	return a->family == ADDR_IP6 && memcmp(a->ip, one, sizeof(one)) == 0;
}

bool addr_is_link_local(const struct addr *a)
{
	if (a->family == ADDR_IP4)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->family == ADDR_IP6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool addr_is_unicast(const struct addr *a)
{
	static const uint8_t zero[16];

	/* 0/8 is this host, 224/4 multicast, above is reserved and broadcast. */
	if (a->family == ADDR_IP4)
		return a->ip[0] > 0 && a->ip[0] < 224;
	return a->family == ADDR_IP6 && a->ip[0] != 0xff &&
	       memcmp(a->ip, zero, sizeof(zero)) != 0;
}

static struct addr from_in6(const struct sockaddr_in6 *in6)
{
	struct addr a = from_ip6(in6->sin6_addr.s6_addr);

	a.port = ntohs(in6->sin6_port);
	if (a.family == ADDR_IP6 && addr_is_link_local(&a))
		a.scope = in6->sin6_scope_id;
	return a;
}

enum err addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	*out = (struct addr){0};
	if (sa == NULL)
		return ERR_USAGE;
	/* Copied, since the caller's may stand anywhere. */
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		*out = from_ip4((const uint8_t *)&in.sin_addr);
		out->port = ntohs(in.sin_port);
		return ERR_OK;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		*out = from_in6(&in6);
		return ERR_OK;
	}
	return ERR_USAGE;
}

uint32_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(a->port),
		.sin6_scope_id = a->scope,
	};

	*out = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	if (a->family == ADDR_IP4) {
		memcpy(&in.sin_addr, a->ip, sizeof(in.sin_addr));
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (a->family == ADDR_IP6) {
		memcpy(&in6.sin6_addr, a->ip, sizeof(in6.sin6_addr));
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}
