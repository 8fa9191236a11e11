/* Record walk and in-order join: the two inner loops of the packet path, behind the
 * contract that `flows/` is to have.  A measurement, not a product: see README.md.
 *
 * No allocation, no pointer kept: the caller owns every array, `walk` and `join` fill
 * them as far as they reach and say how far that was.  What is rare (a SYN, FIN or RST,
 * a segment that is not the next one, an option, a fragment, another link) is not
 * decided here: `join` stops in front of it and the caller's own code takes that record. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FIN = 1, SYN = 2, RST = 4 };
enum { ETHERNET = 14, SHORTEST = ETHERNET + 40 };

/* One direction of a connection.  `twin` is the place of the other one. */
struct half {
    uint64_t skip;        /* bytes that no reader wants to see */
    uint8_t key[12];      /* source and destination address, both ports, as on the wire */
    uint32_t stream;      /* number of the connection; 0: this place is free */
    uint32_t up;          /* 1: from the client */
    uint32_t next;        /* sequence number of the next byte, modulo 2**32 */
    uint32_t acked;       /* the last acknowledgement that this end sent */
    uint32_t closed;      /* only the rare door may touch it: it ended, or data waits beyond a hole */
    uint32_t twin;
    uint32_t open;        /* one more than its run that may still grow, */
    uint32_t call;        /* in the call of this number */
};

/* A run: consecutive bytes of one direction, unbroken by bytes of the other.  Other
 * connections may come between: order is kept within a connection. */
struct run {
    uint64_t skipped;     /* bytes that passed unseen in front of `start` */
    uint32_t stream, up;
    uint32_t start, stop; /* in the output buffer */
    uint32_t first, last; /* in the segment table */
};

struct record { uint64_t at; uint32_t offset, captured, wire, unused; };
struct segment { uint32_t start, record; };
struct piece { uint32_t offset, length, run, record; };

static uint32_t le32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static uint32_t be32(const uint8_t *p) { return __builtin_bswap32(le32(p)); }
static uint32_t be16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }

/* Records of a little-endian classic capture in microseconds; returns how many,
 * `used` how many bytes they took. */
size_t walk(const uint8_t *data, size_t size, struct record *out, size_t room, size_t *used)
{
    size_t at = 0, n = 0;
    while (n < room && at + 16 <= size) {
        uint32_t captured = le32(data + at + 8);
        if (captured > size - at - 16)
            break;
        out[n].at = le32(data + at) * UINT64_C(1000000000) + le32(data + at + 4) * UINT64_C(1000);
        out[n].offset = (uint32_t)(at + 16);
        out[n].captured = captured;
        out[n].wire = le32(data + at + 12);
        at += 16 + captured;
        n++;
    }
    *used = at;
    return n;
}

static size_t hash(const uint8_t *key, size_t mask)
{
    uint64_t a;
    memcpy(&a, key, 8);
    a ^= (uint64_t)le32(key + 8) << 17;
    a *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(a >> 32) & mask;
}

/* The place of a key, or the free one where it belongs.  `mask + 1` places, never full. */
size_t place(const struct half *halves, size_t mask, const uint8_t *key)
{
    size_t at = hash(key, mask);
    while (halves[at].stream && memcmp(halves[at].key, key, 12))
        at = (at + 1) & mask;
    return at;
}

/* Joins records from `from` on; returns the record it stopped in front of: `count`, or
 * one for the rare door, or one for which an array has no room.  `pieces` is scratch as
 * long as `segments`. */
size_t join(const uint8_t *data, const struct record *records, size_t count, size_t from,
            struct half *halves, size_t mask, uint8_t *bytes, size_t byte_room,
            struct segment *segments, struct piece *pieces, size_t segment_room,
            struct run *runs, size_t run_room, size_t *runs_filled, uint32_t call)
{
    size_t nb = 0, ns = 0, nr = 0, i = from;
    for (; i < count; i++) {
        const uint8_t *frame = data + records[i].offset;
        if (records[i].captured < SHORTEST)
            break;
        const uint8_t *ip = frame + ETHERNET;
        uint32_t total = be16(ip + 2), header = (ip[32] >> 2) & 0x3C, flags = ip[33];
        if (be16(frame + 12) != 0x0800 || ip[0] != 0x45 || ip[9] != 6 ||
            be16(ip + 6) & 0x3FFF || header < 20 || total < 20 + header)
            break;
        struct half *half = halves + place(halves, mask, ip + 12);
        if (!half->stream || half->closed || flags & (SYN | FIN | RST))
            break;
        uint32_t length = total - 20 - header;
        if (!length) {
            half->acked = be32(ip + 28);
            continue;
        }
        if (be32(ip + 24) != half->next || total + ETHERNET > records[i].captured)
            break;
        if (nb + length > byte_room || ns == segment_room || nr == run_room)
            break;
        half->acked = be32(ip + 28);
        half->next += length;
        uint32_t unseen = half->skip < length ? (uint32_t)half->skip : length;
        half->skip -= unseen;
        halves[half->twin].open = 0;
        if (half->call != call || !half->open || (unseen && runs[half->open - 1].last)) {
            runs[nr] = (struct run){0, half->stream, half->up, 0, 0, 0, 0};
            half->open = (uint32_t)++nr;
            half->call = call;
        }
        struct run *run = runs + half->open - 1;
        run->skipped += unseen;
        if (length > unseen) {
            uint32_t shown = length - unseen;
            pieces[ns++] = (struct piece){(uint32_t)(ip + 20 + header + unseen - data), shown,
                                          half->open - 1, (uint32_t)i};
            run->stop += shown; /* lengths for now, places below */
            run->last++;
            nb += shown;
        }
    }
    uint32_t byte = 0, segment = 0;
    for (size_t r = 0; r < nr; r++) {
        uint32_t length = runs[r].stop, many = runs[r].last;
        runs[r].start = runs[r].stop = byte;
        runs[r].first = runs[r].last = segment;
        byte += length;
        segment += many;
    }
    for (size_t s = 0; s < ns; s++) {
        struct run *run = runs + pieces[s].run;
        memcpy(bytes + run->stop, data + pieces[s].offset, pieces[s].length);
        segments[run->last++] = (struct segment){run->stop, pieces[s].record};
        run->stop += pieces[s].length;
    }
    *runs_filled = nr;
    return i;
}
