/*
 * option_def: every setting, once. A row is a line of the config file
 * (`name = value`), a long option (`--name value`, with - for _), something that
 * /set shows and changes, and an entry of p2pmsg.conf(5) (make lint compares).
 *
 * X(name, KIND, default, min, max, FLAGS, help)
 *   KIND   STR    text of min to max bytes
 *          INT    min to max
 *          BOOL   yes or no (also on/off, true/false, 1/0)
 *          ENUM   one of the words in default, separated by |; the first is the
 *                 default
 *          LIST   text that may be given several times
 *   FLAGS  LIVE   /set takes effect at once; otherwise at the next start
 *          ARGV   only on the command line
 */
#ifndef BASE_OPTION_DEF_H
#define BASE_OPTION_DEF_H

/* clang-format off: tables, a row a line */

#define OPTION_TABLE(X) \
	X(profile, STR, "default", 1, 32, ARGV, \
	  "which person to be; each has keys and settings of its own") \
	X(json, BOOL, "no", 0, 1, ARGV, "print JSON lines") \
	X(plain, BOOL, "no", 0, 1, ARGV, "plain lines, no full-screen client") \
	X(wait, INT, "-1", -1, 86400, ARGV, \
	  "seconds a command waits; -1 is what suits the command") \
	X(nick, STR, "", 0, 64, LIVE, "name shown to others; empty: the login name") \
	X(status, STR, "", 0, 140, LIVE, "status text shown to others") \
	X(port, INT, "0", 0, 65535, NONE, \
	  "TCP port; 0: the one used last, else 7117, else any free one") \
	X(ip, ENUM, "both|4|6", 0, 0, NONE, "address families to use") \
	X(peer, LIST, "", 0, 256, NONE, \
	  "a peer by hand: host[:port] [id]; may be given several times") \
	X(discovery, ENUM, "auto|avahi|embedded|off", 0, 0, NONE, \
	  "how others on the LAN are found") \
	X(interface, LIST, "", 1, 15, NONE, \
	  "use this interface although its name looks virtual, or only these") \
	X(visibility, ENUM, "all|hidden", 0, 0, LIVE, \
	  "hidden: find others without being announced") \
	X(lan, BOOL, "yes", 0, 1, LIVE, "take part in #lan") \
	X(accept_from, ENUM, "all|contacts", 0, 0, LIVE, "who may write to me") \
	X(receipts, BOOL, "no", 0, 1, LIVE, "tell others what I have read") \
	X(typing, BOOL, "no", 0, 1, LIVE, "tell others while I am writing to them") \
	X(passphrase_command, STR, "", 0, 1024, NONE, \
	  "its first line of output opens the key file") \
	X(log_level, ENUM, "warn|error|info|debug", 0, 0, LIVE, \
	  "what is logged to stderr") \
	X(eager_peers, INT, "256", 0, 4096, NONE, \
	  "peers that are dialled as soon as they are seen") \
	X(store, ENUM, "disk|none", 0, 0, NONE, \
	  "none: nothing is kept but settings and keys; all ends with the node") \
	X(queue_messages, INT, "10000", 1, 1000000, LIVE, \
	  "messages that wait for one peer who is away") \
	X(queue_days, INT, "30", 0, 36500, LIVE, \
	  "days that a message waits before it fails; 0: for ever") \
	X(keep_days, INT, "0", 0, 36500, LIVE, \
	  "days that messages are kept; 0: for ever") \
	X(keep_mib, INT, "0", 0, 1048576, LIVE, \
	  "MiB that are kept of one conversation; 0: no limit") \
	X(stranger_mib_day, INT, "64", 1, 1048576, LIVE, \
	  "MiB of messages a day from one peer who is not a contact") \
	X(handshake_timeout, INT, "5", 1, 60, NONE, "seconds for a whole handshake") \
	X(half_open_ip, INT, "4", 1, 65535, NONE, \
	  "unfinished handshakes from one address") \
	X(half_open, INT, "64", 2, 65535, NONE, "unfinished handshakes in all") \
	X(new_ip_second, INT, "10", 1, 100000, NONE, \
	  "new connections a second from one address") \
	X(new_second, INT, "200", 2, 100000, NONE, "new connections a second in all") \
	X(guests_ip, INT, "8", 1, 65535, NONE, \
	  "sessions of non-contacts from one address") \
	X(guests, INT, "256", 1, 65535, NONE, "sessions of non-contacts in all")

#endif
