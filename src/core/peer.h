/*
 * peer: the people (and machines) this node knows of, online or not. Keyed by
 * node id; owned by core's map.
 */
#ifndef CORE_PEER_H
#define CORE_PEER_H

#include "core/sas.h"

/* What people see, worked out from sessions, attempts and sightings. */
enum presence {
	PRESENCE_NONE, /* not told anybody yet */
	PRESENCE_DISCOVERED,
	PRESENCE_ONLINE,
	PRESENCE_OFFLINE,
	PRESENCE_GONE
};

enum { PEER_TAG_BYTES = 32, PEER_TAGS_BYTES = 255 };

struct peer {
	struct core *core;
	struct list of_unsaved; /* in core->unsaved */
	struct id32 node_id;
	struct id16 conv; /* of the two of us */
	char id_text[NODE_ID_COMPACT_BYTES];
	char name[PROTO_NICK_BYTES + 16]; /* what we call this peer; see peer_rename */
	char nick[PROTO_NICK_BYTES + 1];
	char pinned[PROTO_NICK_BYTES + 1]; /* a contact's first nick: it stays its name */
	char alias[PROTO_NICK_BYTES + 1]; /* what the user calls it; "": nothing */
	char tags[PEER_TAGS_BYTES + 1]; /* words between spaces */
	char status[PROTO_STATUS_BYTES + 1];
	bool is_away;
	bool is_contact; /* the user wrote to it or added it: pinned */
	bool is_blocked;
	bool is_shut_out; /* a contact only because it is blocked */
	bool is_verified; /* the user has compared its key */
	bool is_mismatched; /* and found it different, since it was last the same */
	bool is_wanted; /* dial although there are many peers */
	char *look; /* a contact's: of its pinned name, as text_look; NULL: none yet */
	struct rival *rivals; /* a contact's: RIVALS_MAX; NULL: there were none */
	unsigned n_rivals;
	struct knock *knock; /* what a stranger says while it is held; NULL: nothing */
	uint8_t role;
	enum presence presence; /* as last told */
	uint64_t seen_ms; /* wall time of the last session or sighting */
	uint64_t met_ms; /* wall time of the first meeting */
	uint64_t met_us; /* when it was first heard of */

	struct devlist *devlist; /* the highest one seen; NULL: none */
	struct list sessions; /* struct session, newest last */
	struct list cands; /* struct cand (dialer.c) */
	unsigned n_sightings; /* cands that mDNS or the user vouches for now */
	unsigned n_attempts;
	uint64_t attempt_us; /* start of the last attempt */

	/* replacements by another boot of the same device (protocol, "Duplicates") */
	uint64_t boots_since_us;
	unsigned boots;
	uint64_t cloned_until_us;

	struct sas sas;

	/* the conversation */
	uint64_t expire_s; /* what we say is gone after that; 0: it stays */
	uint8_t receipts; /* enum receipts_mode */
	uint64_t read_seq, told_seq; /* read, and told the other side, up to this */
	struct receipts *reporting; /* receipts.c; NULL: nothing under way */
	uint64_t typing_us; /* when it was last told that we are typing */
	bool is_typing_told; /* and not yet that we have stopped */

	/* outgoing */
	struct list queue; /* struct item: loaded, and not on any session now */
	unsigned
		n_queued; /* not delivered yet, wherever: in the store or on its way there */
	unsigned n_stored; /* of them, in the store and not loaded */
	unsigned n_loaded; /* loaded: in the queue or on a session */
	unsigned n_queued_lan; /* in the queue, for #lan */
	bool is_loading, is_kept_meanwhile;
	unsigned n_dropping; /* of the store's, which must not be loaded any more */
	uint64_t load_round; /* counts the times it went away */
	uint64_t load_after; /* the last of the store that was loaded */
	unsigned n_settling; /* done with, and the store has not said that it knows */
	uint64_t next_seq; /* of the next item: their order */
	struct bucket lan_out; /* so that the other side need not refuse */
	uint64_t lamport;
	struct timer wake_timer; /* something held back may go then, or expire */

	/* incoming */
	struct map *seen; /* message id -> marker, where nothing is kept */
	struct bucket lan;
	struct bucket lists, list_notices; /* device lists, and what is said of them */
	struct bucket receipts_in, typing_in;
	uint64_t again_us; /* what was refused for now comes again before this */
	uint64_t day_us; /* start of the day counted below */
	uint64_t day_bytes;
	uint64_t profile_us; /* when its last PROFILE was taken */
	unsigned traces; /* traces that ask for this peer */
};

struct peer *peer_find(const struct core *c, const struct id32 *id);
/* Finds or makes; NULL only when CORE_PEERS_MAX are known and none can go. */
struct peer *peer_get(struct core *c, const struct id32 *id);
void peer_free(struct peer *p);
/* The user wants to know nothing of it any more: told gone, then freed. Nobody holds a
 * session of it. */
void peer_forget(struct peer *p);
/* Nothing may hold it any more (session, sighting, contact, queue): then it is told
 * gone, and freed unless it is worth remembering. */
void peer_let_go(struct peer *p);

/* The live session that messages travel on, or NULL. */
struct session *peer_session(const struct peer *p);
/* Works the presence out anew and tells when it changed (why may be NULL). */
void peer_update(struct peer *p, const char *why);
/* Takes what others shall see; text of any kind, cut and checked here. Tells when
 * something changed. */
void peer_profile(struct peer *p, struct slice nick, struct slice status, bool is_away);
/* The user acted on this peer: remembers it as a contact. */
void peer_pin(struct peer *p);
/* A stranger again: it was a contact only because it is_shut_out. */
void peer_unpin(struct peer *p);

/* What the user knows of its key; verified makes it a contact. Tells. */
void peer_trust(struct peer *p, bool is_verified, bool is_mismatched);
/* "unverified", "contact", "verified", "changed", "blocked". */
const char *peer_trust_str(const struct peer *p);
/* Its identity key, or NULL when it never was here. */
const struct id32 *peer_ik(const struct peer *p);

/* Tells that something of it changed, when people know of it. */
void peer_tell(struct peer *p);
/* "": none any more. Tells. */
void peer_set_alias(struct peer *p, const char *alias);
bool peer_has_tag(const struct peer *p, const char *tag);
/* False when there is no room. Nothing happens when it has it already. */
bool peer_tag(struct peer *p, const char *tag);
void peer_untag(struct peer *p, const char *tag);

/* As core_notice, about this peer. */
void peer_notice(const struct peer *p, const char *level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "discovered", "dialing", "online", "offline", "gone". */
const char *peer_state_str(const struct peer *p);
/* "nick~abcd", safe to show, from a nick and an id in 56 characters. */
void peer_make_name(const char *nick, const char *id_text,
		    char out[static PROTO_NICK_BYTES + 16]);
/* Fills the fields of EVENT_PEER and EVENT_PERSON; address is the caller's. */
void peer_describe(const struct peer *p, struct event_peer *out,
		   char address[static ADDR_TEXT_BYTES]);

/* True when the bucket had one token: per_s tokens a second, burst at most. */
bool bucket_take(struct bucket *b, uint64_t now_us, unsigned per_s, unsigned burst);

/* A token that was taken for nothing. */
void bucket_give_back(struct bucket *b);

/* Twice what may be under way on one session, so that what comes again is known; of
 * somebody who went away for good fewer are remembered. */
enum { PEER_SEEN_MAX = 2 * PROTO_WINDOW_OBJECTS, PEER_SEEN_AWAY = 256 };
/* True when this message id is new from this peer; remembers it. For a node that keeps
 * nothing: else the store knows. */
bool peer_first_sight(struct peer *p, const struct id16 *id);
void peer_lose_sight(struct peer *p, const struct id16 *id);

#endif
