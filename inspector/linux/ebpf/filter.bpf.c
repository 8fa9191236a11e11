/* SPDX-License-Identifier: MIT
 *
 * How much of each frame a capture keeps: a socket filter answers with a length, 0 for nothing.
 *
 * Kept whole: everything of the networks asked for that is not proven to be the inside of TLS.
 * A connection is cut only after all of this was seen, each at the start of a segment or where
 * the walk over its records stands:
 *
 *   a SYN; the first payload is a ClientHello, or to a proxy's port a CONNECT, a 2xx answer and
 *   then a ClientHello; the server's next bytes are a ServerHello; the client's first record of
 *   type 23 after it is whole (in TLS 1.3 the handshake ends with it), and for the server's
 *   direction a record of type 23 after that, longer than an alert.
 *
 * Then `after` bytes more of each direction are kept, and of every later segment the headers and
 * some first payload bytes, whose *number* tells what the cut took away: one more than the
 * records of type 23 that ended in it. No payload byte at all: not known, the walk was lost.
 * See filter.py for the reading side.
 */
#include "kernel.h"

#define ETH_IPV4 0x0800
#define ETH_IPV6 0x86dd
#define TCP 6
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10
#define WHOLE 0xffffffff
#define MAX_STEPS 8192

struct config {
	__u32 full;
	__u32 after;
	__u32 networks; /* 0: all */
	__u32 ports; /* 0: all */
};
const volatile struct config config;

struct {
	__u64 seen;
	__u64 seen_bytes;
	__u64 kept;
	__u64 kept_bytes;
	__u64 cut;
	__u64 dropped;
	__u64 untracked; /* TCP packets whose flow found no room; kept whole */
} counters;

enum stage { NEW, CONNECTING, OPEN, HELLO, ANSWERED, ESTABLISHED, DATA, PLAIN };

struct half {
	__u64 packets;
	__u64 bytes;
	__u64 kept_bytes;
	__u64 payload;
	__u64 cut;
	__u64 records;
	__u64 header; /* of a record header, the bytes so far */
	__u32 next; /* sequence number */
	__u32 left; /* bytes of the present record */
	__u32 after; /* bytes since the handshake */
	__u32 size;
	__u32 owed; /* records not told yet */
	__u8 have;
	__u8 kind;
	__u8 walking;
	__u8 lost;
};

struct flow_key {
	__u64 a[2];
	__u64 b[2];
	__u16 a_port;
	__u16 b_port;
	__u32 ifindex;
	__u32 vlan;
	__u32 zero;
};

struct flow {
	struct half halves[2]; /* sent by a, sent by b */
	__u32 stage;
	__u32 client; /* 0: a */
	__u32 flags; /* of all segments */
	__u32 opened; /* SYNs that began a connection */
};

struct network {
	__u32 prefix;
	__u8 address[16];
};

struct {
	NUMBER(type, BPF_MAP_TYPE_LPM_TRIE);
	NUMBER(map_flags, BPF_F_NO_PREALLOC);
	NUMBER(max_entries, 1024);
	TYPE(key, struct network);
	TYPE(value, __u8);
} networks SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(max_entries, 1024);
	TYPE(key, __u16);
	TYPE(value, __u8);
} ports SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(max_entries, 1024);
	TYPE(key, __u16);
	TYPE(value, __u8);
} tunnel_ports SEC(".maps");

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	NUMBER(map_flags, BPF_F_NO_PREALLOC);
	NUMBER(max_entries, 65536);
	TYPE(key, struct flow_key);
	TYPE(value, struct flow);
} flows SEC(".maps");

struct packet {
	__u64 source[2];
	__u64 destination[2];
	__u32 vlan;
	__u32 payload_at;
	__u32 payload;
	__u32 sequence;
	__u16 sport;
	__u16 dport;
	__u8 flags;
	__u8 is_tcp;
	__u8 is_ip;
};

struct walk {
	struct __sk_buff *skb;
	struct half *half;
	__u32 at;
	__u32 end;
	__u32 data; /* records of type 23 that ended */
	__u32 large; /* those longer than an alert */
};

INLINE void add(__u64 *counter, __u64 value)
{
	__sync_fetch_and_add(counter, value);
}

INLINE __u16 short_at(const __u8 *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

INLINE __u32 long_at(const __u8 *bytes)
{
	return (__u32)short_at(bytes) << 16 | short_at(bytes + 2);
}

INLINE int parse_tcp(struct __sk_buff *skb, __u32 at, __u32 end, struct packet *packet)
{
	__u8 tcp[20];
	__u32 header;

	if (bpf_skb_load_bytes(skb, at, tcp, sizeof(tcp)))
		return 0;
	header = (tcp[12] >> 4) * 4;
	if (header < 20 || at + header > end)
		return 0;
	packet->sport = short_at(tcp);
	packet->dport = short_at(tcp + 2);
	packet->sequence = long_at(tcp + 4);
	packet->flags = tcp[13];
	packet->payload_at = at + header;
	packet->payload = end - at - header;
	packet->is_tcp = 1;
	return 0;
}

INLINE int parse_ipv4(struct __sk_buff *skb, __u32 at, struct packet *packet)
{
	__u8 ip[20];
	__u32 header, total;

	if (bpf_skb_load_bytes(skb, at, ip, sizeof(ip)) || ip[0] >> 4 != 4)
		return 0;
	packet->is_ip = 1;
	packet->source[0] = packet->destination[0] = 0;
	/* ::ffff:a.b.c.d in memory order */
	packet->source[1] = (__u64)ntohl(long_at(ip + 12)) << 32 | 0xffff0000;
	packet->destination[1] = (__u64)ntohl(long_at(ip + 16)) << 32 | 0xffff0000;
	header = (ip[0] & 15) * 4;
	total = short_at(ip + 2);
	/* A superframe beyond 64 KiB (BIG TCP) has no length. */
	if (!total)
		total = skb->len - at;
	if (header < 20 || total < header || at + total > skb->len)
		return 0;
	if (ip[9] != TCP || short_at(ip + 6) & 0x3fff)
		return 0;
	return parse_tcp(skb, at + header, at + total, packet);
}

INLINE int parse_ipv6(struct __sk_buff *skb, __u32 at, struct packet *packet)
{
	struct {
		__u8 head[8];
		__u64 source[2];
		__u64 destination[2];
	} ip;
	__u8 more[2];
	__u32 end, next;

	if (bpf_skb_load_bytes(skb, at, &ip, 40) || ip.head[0] >> 4 != 6)
		return 0;
	packet->is_ip = 1;
	packet->source[0] = ip.source[0];
	packet->source[1] = ip.source[1];
	packet->destination[0] = ip.destination[0];
	packet->destination[1] = ip.destination[1];
	end = short_at(ip.head + 4);
	end = end ? at + 40 + end : skb->len;
	if (end > skb->len)
		return 0;
	next = ip.head[6];
	at += 40;
	for (int i = 0; i < 6; i++) {
		if (next == TCP)
			return parse_tcp(skb, at, end, packet);
		/* hop-by-hop, routing, destination options; a fragment stays whole */
		if (next != 0 && next != 43 && next != 60)
			return 0;
		if (bpf_skb_load_bytes(skb, at, more, 2))
			return 0;
		next = more[0];
		at += (more[1] + 1) * 8;
	}
	return 0;
}

INLINE int is_tag(__u32 type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

INLINE void parse(struct __sk_buff *skb, struct packet *packet)
{
	__u8 tag[4];
	__u32 at = 14, type;

	/* The outermost tag is usually beside the frame, not in it. */
	packet->vlan = skb->vlan_present ? skb->vlan_tci & 0xfff : 0;
	if (bpf_skb_load_bytes(skb, 12, tag, 2))
		return;
	type = short_at(tag);
	for (int i = 0; i < 3 && is_tag(type); i++) {
		if (bpf_skb_load_bytes(skb, at, tag, 4))
			return;
		packet->vlan = packet->vlan << 12 | (short_at(tag) & 0xfff);
		type = short_at(tag + 2);
		at += 4;
	}
	if (type == ETH_IPV4)
		parse_ipv4(skb, at, packet);
	else if (type == ETH_IPV6)
		parse_ipv6(skb, at, packet);
}

INLINE int in_networks(const __u64 *address)
{
	struct network key = {.prefix = 128};

	__builtin_memcpy(key.address, address, 16);
	return bpf_map_lookup_elem(&networks, &key) != 0;
}

INLINE int wanted(const struct packet *packet)
{
	/* ARP and other links' protocols are few, and evidence. */
	if (!packet->is_ip)
		return 1;
	if (config.networks && !in_networks(packet->source) && !in_networks(packet->destination))
		return 0;
	if (config.ports && packet->is_tcp && !bpf_map_lookup_elem(&ports, &packet->sport) &&
	    !bpf_map_lookup_elem(&ports, &packet->dport))
		return 0;
	return 1;
}

static long step(__u32 index, struct walk *walk)
{
	struct half *half = walk->half;
	__u32 room = walk->end - walk->at;
	__u8 bytes[5];

	(void)index;
	if (walk->at >= walk->end || half->lost)
		return 1;
	if (half->left) {
		__u32 taken = half->left < room ? half->left : room;

		half->left -= taken;
		walk->at += taken;
	} else {
		if (!half->have && room >= 5) {
			if (bpf_skb_load_bytes(walk->skb, walk->at, bytes, 5))
				goto lost;
			half->header = (__u64)bytes[0] << 32 | long_at(bytes + 1);
			walk->at += 5;
		} else {
			if (bpf_skb_load_bytes(walk->skb, walk->at, bytes, 1))
				goto lost;
			half->header = half->header << 8 | bytes[0];
			walk->at += 1;
			if (++half->have < 5)
				return 0;
		}
		half->have = 0;
		half->kind = half->header >> 32;
		half->size = half->left = half->header & 0xffff;
		if (half->kind < 20 || half->kind > 24 || (half->header >> 24 & 0xff) != 3 ||
		    half->size > (1 << 14) + 2048 || (!half->size && half->kind != 23))
			goto lost;
		half->header = 0;
	}
	if (!half->left && half->kind == 23) {
		half->records++;
		walk->data++;
		if (half->size > 24)
			walk->large++;
	}
	return 0;
lost:
	half->lost = 1;
	return 1;
}

INLINE int is_hello(const __u8 *head, int type)
{
	return head[0] == 22 && head[1] == 3 && head[2] <= 4 && head[5] == type;
}

INLINE int is_connect(const __u8 *head)
{
	return long_at(head) == 0x434f4e4e && long_at(head + 4) == 0x45435420;
}

INLINE int is_success(const __u8 *head)
{
	return long_at(head) == 0x48545450 && short_at(head + 4) == 0x2f31 && head[9] == '2';
}

INLINE void start(struct half *half, __u32 sequence)
{
	half->walking = 1;
	half->lost = half->have = 0;
	half->next = sequence;
	half->left = half->after = half->owed = 0;
	half->header = 0;
}

/* What the first payload bytes of a segment say, until both hellos were seen. */
INLINE void look(struct __sk_buff *skb, const struct packet *packet, struct flow *flow,
		 struct half *half, int up)
{
	__u8 head[12] = {};

	if (packet->payload < 12 || bpf_skb_load_bytes(skb, packet->payload_at, head, 12)) {
		flow->stage = PLAIN;
		return;
	}
	switch (flow->stage) {
	case NEW:
		if (up && is_connect(head) &&
		    bpf_map_lookup_elem(&tunnel_ports, &packet->dport)) {
			flow->stage = CONNECTING;
			return;
		}
		/* fall through */
	case OPEN:
		if (up && is_hello(head, 1)) {
			flow->stage = HELLO;
			start(half, packet->sequence);
			return;
		}
		break;
	case CONNECTING:
		if (!up && is_success(head))
			flow->stage = OPEN;
		return;
	case HELLO:
		if (up)
			return;
		if (is_hello(head, 2)) {
			flow->stage = ANSWERED;
			start(half, packet->sequence);
			return;
		}
		break;
	}
	flow->stage = PLAIN;
}

/* The payload bytes to keep of a segment. */
INLINE __u32 judge(struct __sk_buff *skb, const struct packet *packet, struct flow *flow,
		   struct half *half, int up)
{
	__u32 stage = flow->stage, length = packet->payload, told;
	struct walk walk = {.skb = skb, .half = half};
	__s32 ahead;
	int may_cut;

	if (stage < ANSWERED && !half->walking) {
		look(skb, packet, flow, half, up);
		stage = flow->stage;
	}
	if (stage == PLAIN || !half->walking)
		return length;
	may_cut = up ? stage >= ESTABLISHED : stage >= DATA;
	ahead = packet->sequence - half->next;
	if (ahead < 0 && (__s32)(packet->sequence + length - half->next) <= 0)
		return may_cut && half->after > config.after ? 0 : length;
	if (ahead)
		half->lost = 1;
	if (!half->lost) {
		walk.at = packet->payload_at;
		walk.end = packet->payload_at + length;
		bpf_loop(MAX_STEPS, step, &walk, 0);
		if (walk.at < walk.end)
			half->lost = 1;
	}
	half->next = packet->sequence + length;
	if (up && stage == ANSWERED && walk.data)
		flow->stage = ESTABLISHED;
	else if (!up && stage == ESTABLISHED && walk.large)
		flow->stage = DATA;
	if (!may_cut) {
		/* Lost before the first cut: this direction stays whole. */
		if (half->lost)
			half->walking = 0;
		return length;
	}
	if (half->after <= config.after) {
		if (half->lost) {
			half->walking = 0;
			return length;
		}
		half->after += length;
		if (half->after <= config.after)
			return length;
	}
	if (half->lost)
		return 0;
	half->owed += walk.data;
	told = half->owed + 1;
	/* Too short to tell its number: the next segment does. */
	if (told >= length)
		return length;
	half->owed = 0;
	return told;
}

INLINE __u32 decide(struct __sk_buff *skb, struct packet *packet)
{
	struct flow_key key = {};
	struct flow *flow;
	struct half *half;
	__u32 from_b, kept = WHOLE, length = skb->len;
	int up;

	from_b = packet->source[0] > packet->destination[0] ||
		 (packet->source[0] == packet->destination[0] &&
		  (packet->source[1] > packet->destination[1] ||
		   (packet->source[1] == packet->destination[1] &&
		    packet->sport > packet->dport)));
	if (from_b) {
		__builtin_memcpy(key.a, packet->destination, 16);
		__builtin_memcpy(key.b, packet->source, 16);
		key.a_port = packet->dport;
		key.b_port = packet->sport;
	} else {
		__builtin_memcpy(key.a, packet->source, 16);
		__builtin_memcpy(key.b, packet->destination, 16);
		key.a_port = packet->sport;
		key.b_port = packet->dport;
	}
	key.ifindex = skb->ifindex;
	key.vlan = packet->vlan;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow) {
		/* Without a SYN nobody knows what came before: such a flow stays whole. */
		struct flow fresh = {.stage = PLAIN};

		bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST);
		flow = bpf_map_lookup_elem(&flows, &key);
		if (!flow) {
			add(&counters.untracked, 1);
			return WHOLE;
		}
	}
	if ((packet->flags & (SYN | ACK | RST)) == SYN) {
		flow->client = from_b;
		flow->stage = config.full ? PLAIN : NEW;
		flow->halves[0].walking = flow->halves[1].walking = 0;
		flow->opened++;
	}
	flow->flags |= packet->flags;
	half = from_b ? &flow->halves[1] : &flow->halves[0];
	up = flow->client == from_b;
	if (packet->payload && flow->stage != PLAIN) {
		__u32 payload = judge(skb, packet, flow, half, up);

		if (payload < packet->payload)
			kept = packet->payload_at + payload;
	}
	if (kept < length) {
		add(&counters.cut, 1);
		add(&half->cut, 1);
	}
	add(&half->packets, 1);
	add(&half->bytes, length);
	add(&half->kept_bytes, kept < length ? kept : length);
	add(&half->payload, packet->payload);
	return kept;
}

SEC("socket")
int keep(struct __sk_buff *skb)
{
	struct packet packet = {};
	__u32 kept = WHOLE, length = skb->len;

	add(&counters.seen, 1);
	add(&counters.seen_bytes, length);
	parse(skb, &packet);
	if (!wanted(&packet)) {
		add(&counters.dropped, 1);
		return 0;
	}
	if (packet.is_tcp)
		kept = decide(skb, &packet);
	add(&counters.kept, 1);
	add(&counters.kept_bytes, kept < length ? kept : length);
	return kept;
}

char _license[] SEC("license") = "GPL";
