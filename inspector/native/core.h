/* What Python and the compiled core say to each other: see `layout.py`, which has the same shapes.
 *
 * Every array belongs to the caller, and a call says how long it is.  Nothing is allocated, no
 * pointer outlives a call, no function keeps state of its own; numbers from a capture index
 * nothing before they were compared with what is there. */
#ifndef INSPECTOR_CORE_H
#define INSPECTOR_CORE_H

#include <stdint.h>

/* Changes with every change of a shape or a meaning; the loader refuses any other. */
#define INSPECTOR_CORE_ABI 22

#define EXPORT __attribute__((visibility("default")))

/* One captured packet: `captured` bytes of the batch from `offset` on, `wire` on the wire. */
struct record {
    int64_t at, offset, captured, wire;
};

enum { RECENT = 16 };
/* Of `half.batch`: the reader takes segments where they lie, all of a batch at once. */
enum { IN_PLACE = -2 };

/* One direction of a connection: `flows/stream.py:Half`, as far as the fast path needs it. */
struct half {
    int64_t next;         /* sequence number of the next byte; -1: not known */
    int64_t acked;        /* the last acknowledgement that this end sent; -1: none */
    int64_t fin;          /* sequence number of its FIN; -1: none */
    int64_t wraps;        /* how often `next` passed 2**32 */
    int64_t skip;         /* bytes that may still pass unseen */
    int64_t last_at;      /* when its last data came */
    int64_t last_packet;  /* in which packet, if it passed unseen */
    int64_t batch;        /* not 0: its reader takes many segments at a time */
    int64_t room;         /* bytes that may still be held for it */
    int64_t early;        /* 1: data may wait beyond a hole */
    int64_t first, last;  /* its chain of held segments: indexes; -1: none */
    int64_t held;         /* how many */
    int64_t before;       /* places of what is taken of it count from so many bytes before */
    int64_t unused[2];
    uint64_t recent[RECENT]; /* identification and number of the frames that came last */
};

enum { KEY = 12, UNINTERESTING = -1, UNINTERESTING_BUT_DATA = -2 };

/* A place of the hash table: both addresses and both ports as they are on the wire. */
struct slot {
    uint8_t key[KEY];
    int32_t value; /* 0: free; n: half n - 1; or one of the two above */
};

/* Data that waits to be shown, in the batch that is being read. */
struct segment {
    int64_t at, packet;
    uint32_t offset, length;
    int32_t following; /* the next one of its direction; -1: none */
    int32_t half;      /* -1: it was taken */
};

/* A segment as Python takes it: bytes `start` to `stop` of what lies beside it, or of the batch. */
struct taken {
    int64_t at, packet, start, stop;
};

/* Whether a piece lies in `size` bytes. */
static inline int is_within(const struct taken *piece, int64_t size)
{
    return piece->start >= 0 && piece->stop <= size && piece->start <= piece->stop;
}

/* How many segments were taken of a direction, and how many bytes. */
struct group {
    int64_t half, count, bytes;
};

enum reason { END, RARE, SHOW, FLUSH, FULL, REASON_BITS = 3 };

struct state {
    uint64_t seed[2]; /* keys the hash table, so that no capture chooses what collides */
    struct half *halves;
    int64_t half_count;
    struct slot *slots;
    int64_t slot_mask; /* places are a power of two, one less */
    struct segment *segments;
    int64_t segment_room, segment_count;
    int64_t before_ip;    /* bytes before the IPv4 header; two of them are the ethertype */
    int64_t first_packet; /* the reference of the first record */
    /* What `join` says besides its answer. */
    int64_t half;            /* SHOW, FLUSH: of which direction */
    int64_t at;              /* SHOW: when it came, */
    int64_t start, stop;     /* which bytes of the batch, */
    int64_t unseen;          /* and how many before them passed unseen, the last that may */
    int64_t tcp_packets, duplicate_packets; /* counted up */
};

/* How a capture file is walked. */
struct walk {
    int64_t big_endian, tick; /* nanoseconds in a unit of its times */
    int64_t header;           /* classic: bytes of a record's header */
    int64_t longest;          /* the longest capture that is believed */
    int64_t interface;        /* pcapng: the one whose packets are taken, */
    int64_t offset;           /* and what is added to its times */
    int64_t at;               /* where the next record begins */
};

EXPORT int64_t inspector_core_abi(void);
EXPORT int64_t inspector_core_sizes(int64_t *out, int64_t room);
EXPORT int64_t inspector_core_put(const struct state *state, const uint8_t *key, int64_t value);
EXPORT int64_t inspector_core_drop(const struct state *state, const uint8_t *key);
EXPORT int64_t inspector_core_find(const struct state *state, const uint8_t *key);
EXPORT int64_t inspector_core_rehash(const struct state *state, struct slot *into, int64_t mask);
EXPORT int64_t inspector_core_join(struct state *state, const uint8_t *data, int64_t size,
                                   const struct record *records, int64_t count, int64_t from);
EXPORT int64_t inspector_core_take(struct state *state, const uint8_t *data, int64_t size,
                                   int64_t half, struct taken *out, int64_t room, uint8_t *bytes,
                                   int64_t bytes_room);
EXPORT int64_t inspector_core_settle(struct state *state, const uint8_t *data, int64_t size,
                                     struct group *groups, int64_t group_room, struct taken *out,
                                     int64_t room, uint8_t *bytes, int64_t bytes_room);

EXPORT int64_t inspector_core_walk_classic(struct walk *walk, const uint8_t *data, int64_t size,
                                           struct record *out, int64_t room);
EXPORT int64_t inspector_core_walk_pcapng(struct walk *walk, const uint8_t *data, int64_t size,
                                          struct record *out, int64_t room);
EXPORT int64_t inspector_core_walk_ring(const uint8_t *data, int64_t size, int64_t at,
                                        int64_t tagged, struct record *out, int64_t room);
EXPORT int64_t inspector_core_span(const struct record *records, int64_t count, int64_t before,
                                   int64_t *earliest, int64_t *latest);

/* Where a body in chunks has been read to, how many bytes of it that gave, and how many bytes the
 * pieces have that were read to their ends. */
struct chunking {
    int64_t index, position, body, passed;
};

enum { HEADS = 16 };

/* What the events of a stream tell. */
struct heard {
    int64_t last;        /* when its last bytes came; -1: none did */
    int64_t longest;     /* the longest time between two of its pieces; -1: there were no two */
    int64_t reads_plain; /* 1: plain chunks of an answer, which have no head, are counted, too */
    /* How many events each head had in one call, and how many plain chunks there were. */
    int64_t seen[HEADS + 1];
};

EXPORT int64_t inspector_core_chunks(struct chunking *at, const uint8_t *data, int64_t size,
                                     const struct taken *in, int64_t count, struct taken *out,
                                     int64_t room);
EXPORT int64_t inspector_core_events(struct heard *heard, const uint8_t *data, int64_t size,
                                     const struct taken *in, int64_t count, const uint8_t *heads,
                                     int64_t heads_size);

/* One direction of TLS whose handshake is over: where it is in its records, and their count. */
struct sealed {
    int64_t left, size; /* of the record that is under way: bytes to come, and all */
    int64_t records, bytes; /* how many became whole in one call, and what they have */
};

EXPORT int64_t inspector_core_sealed(struct sealed *walk, const uint8_t *data, int64_t size,
                                     const struct taken *in, int64_t count);

/* Bytes of one direction that follow each other closely: when the first and the last came. */
struct burst {
    int64_t first, last, bytes;
};

EXPORT int64_t inspector_core_bursts(const struct taken *in, int64_t count, int64_t pause,
                                     struct burst *out, int64_t room);

enum { LITERALS = 32, LONGEST_LITERAL = 15, PAIRS = 8192 };

struct literal {
    uint8_t length; /* 2 at least */
    uint8_t text[LONGEST_LITERAL];
};

/* Texts that are looked for together. */
struct finder {
    uint8_t pairs[PAIRS]; /* a bit for each two bytes, the first times 256: a literal begins so */
    int64_t count;
    struct literal literals[LITERALS];
};

EXPORT int64_t inspector_core_first(const struct finder *finder, const uint8_t *text, int64_t size,
                                    int64_t from);

/* A set of words of eight bytes, mixed. */
struct windows {
    uint64_t *slots; /* 0: free */
    int64_t room;    /* slots in which a word may belong */
    int64_t size;    /* and behind them those where the last ones find room; one stays free */
    int64_t count;   /* words in it */
    /* By chance, the factors odd, so that no capture chooses what falls together. */
    uint64_t salt;
    uint64_t factors[2];
    int64_t folds; /* 1: its words are in lower case, and are met in any */
};

EXPORT int64_t inspector_core_enter(struct windows *set, const uint8_t *text, int64_t size,
                                    int64_t step, int64_t from);
EXPORT int64_t inspector_core_move(struct windows *to, const struct windows *from);
EXPORT int64_t inspector_core_meet(const struct windows *set, const uint8_t *text, int64_t size,
                                   int64_t step, int64_t from, uint64_t fill);

/* A segment in a usual frame: where in the batch its key stands (-1: the frame is another), and its
 * payload; `way` numbers the directions of a batch. */
struct usual {
    int64_t key, sequence, flags, start, stop, way;
};

/* The directions that a batch's packets were met of. */
struct ways {
    uint64_t seed[2];
    struct slot *slots; /* each leads to one more than the number of the direction */
    int64_t mask;       /* places are a power of two, one less */
    int64_t count;
};

EXPORT int64_t inspector_core_usual(struct ways *ways, const uint8_t *data, int64_t size,
                                    int64_t before_ip, const struct record *records, int64_t count,
                                    struct usual *out);

EXPORT int64_t inspector_core_alike(const uint8_t *copy, int64_t copy_size,
                                    const struct record *copies, const uint8_t *source,
                                    int64_t source_size, const struct record *sources,
                                    int64_t count, int64_t from, const uint8_t *foreign);
EXPORT int64_t inspector_core_gather(const uint8_t *data, int64_t size,
                                     const struct record *records, int64_t count,
                                     struct record *out, uint8_t *bytes, int64_t room);
EXPORT int64_t inspector_core_blocks(const uint8_t *data, int64_t size,
                                     const struct record *records, int64_t count,
                                     int64_t interface, int64_t is_big, uint8_t *out, int64_t room,
                                     int64_t *used);
enum { JSON_DEPTH = 60, AN_ARRAY = 255 };

/* A JSON document that is walked: `redaction/bodies.py:JsonBody`. */
struct json {
    int64_t expects; /* what comes next, numbered as `protocols/json_tokens.py` has it */
    int64_t depth;   /* brackets that are open */
    int64_t answers; /* 1: an error's text may stand in it */
    int64_t changed; /* set to 1: something was blanked */
    /* What names mean: up to `granted` that the values under them are looked up; beyond, up to
     * `texts`, that in an answer Python looks at each. */
    int64_t granted, texts;
    /* Of each bracket what the name means whose value is read, 0: nothing; or AN_ARRAY. */
    uint8_t names[JSON_DEPTH];
};

enum { KNOWN_TEXT = 61 };
enum { KNOWN_NAME = 1, KNOWN_NUMBER, KNOWN_EVENT, KNOWN_VALUE };

/* A token that stays as it is: a name, a number, the name of an event, or, KNOWN_VALUE and what its
 * name means, a value. */
struct known_token {
    uint8_t kind; /* 0: the place is free */
    uint8_t meaning, length, text[KNOWN_TEXT];
};

struct known {
    uint64_t seed; /* so that no capture chooses what falls together */
    struct known_token *tokens;
    int64_t mask; /* places are a power of two, one less */
};

EXPORT int64_t inspector_core_know(const struct known *known, int64_t kind, int64_t meaning,
                                   const uint8_t *text, int64_t length);
EXPORT int64_t inspector_core_string(const uint8_t *data, int64_t size, int64_t from);
EXPORT int64_t inspector_core_lay(uint8_t *out, int64_t size, int64_t start, const int64_t *places,
                                  int64_t count, const uint8_t *body, int64_t body_size);
EXPORT int64_t inspector_core_mask_json(struct json *json, const struct known *known,
                                        const uint8_t *data, int64_t size, int64_t from,
                                        uint8_t *out);
EXPORT int64_t inspector_core_mask_events(struct json *json, const struct known *known,
                                          const uint8_t *data, int64_t size, int64_t from,
                                          uint8_t *out);

EXPORT int64_t inspector_core_said(const uint8_t *data, int64_t size, const struct usual *usual,
                                   const struct record *records, int64_t count, uint8_t *out,
                                   int64_t room);
EXPORT int64_t inspector_core_chain(const struct usual *rows, int64_t begin, int64_t end,
                                    int64_t *following, int64_t *firsts, int64_t ways);

/* A direction whose packets are masked, as far as its bytes are here and decided. */
struct cover {
    int64_t known, offset;     /* the byte with the number `known` lies at `offset` */
    int64_t decided, over;     /* up to where it is decided; 1: nothing waits any more */
    int64_t base, length;      /* where the bytes begin that are here, how many there are */
    const uint8_t *raw, *out;  /* as they came, and as they may be written */
    int64_t mark;              /* is set in the flags of each packet that is masked */
    int64_t first, last;       /* the rows that wait; -1: none does */
    int64_t least, soonest;    /* where the first of them begins, where the first of them ends */
    int64_t odd;               /* where the row lies in front of which it stopped */
    /* Or the bytes are application data of TLS: of each record in them where it begins, and its
     * header (of the rest of one 0), with what is told of it. */
    const int64_t *records;
    int64_t record_count;
};

EXPORT int64_t inspector_core_cover(struct cover *cover, uint8_t *data, int64_t size,
                                    const struct usual *rows, int64_t *following, int64_t count,
                                    int64_t at, uint8_t *flags);

/* Segments of one direction that follow each other: the index of the first one's packet, and where
 * its key stands; `length` bytes of `weave.bytes` from `begin` on; `pieces`, one a packet, of
 * `weave.pieces` from `piece` on; and its seam. */
struct strand {
    int64_t first, key, sequence, flags, begin, length, piece, pieces, seam, seam_length;
};

/* A packet's part: the packet's index, the place in the strand, the length, the place in the batch. */
struct piece {
    int64_t packet, offset, length, start;
};

/* What strands are written into. */
struct weave {
    struct strand *strands;
    struct piece *pieces;
    int64_t *of; /* of each packet its strand, -1: none */
    int64_t room; /* of each of these three */
    int64_t *latest; /* of each direction the strand that it may go on with */
    int64_t ways;
    uint8_t *bytes;
    int64_t bytes_room;
    uint8_t *seams;
    int64_t seams_room, seams_used;
    int64_t edge; /* bytes on either side of a border between packets that belong to its seam */
};

EXPORT int64_t inspector_core_strands(struct weave *weave, const uint8_t *data, int64_t size,
                                      const struct usual *usual, int64_t count);
EXPORT int64_t inspector_core_seal(struct sealed *walk, const uint8_t *data, int64_t size,
                                   int64_t keeps, uint8_t *out);
EXPORT int64_t inspector_core_headers(struct sealed *walk, const uint8_t *data, int64_t size,
                                      const struct taken *in, int64_t count, int64_t start,
                                      int64_t *out, int64_t room);

#endif
