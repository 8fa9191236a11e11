/* The records of capture files, as far as they are the same for nearly every packet: what
 * `pcap/classic.py` and `pcap/pcapng.py` do, which specify it and go on where this stops. */
#include "bytes.h"
#include "core.h"

static uint32_t number(const struct walk *walk, const uint8_t *p)
{
    return walk->big_endian ? be32(p) : le32(p);
}

enum { CLASSIC = 16, SECOND = 1000000000 };

/* Takes whole records of a classic file from `walk->at` on, which moves behind them; how many.
 * It stops in front of one that is not whole, longer than is believed, or has a fraction of a
 * second or more, and where there is no more room. */
int64_t inspector_core_walk_classic(struct walk *walk, const uint8_t *data, int64_t size,
                                    struct record *out, int64_t room)
{
    const int64_t header = walk->header, tick = walk->tick;
    int64_t at = walk->at, count = 0;
    if (header < CLASSIC || tick < 1 || at < 0)
        return 0;
    const int64_t second = SECOND / tick;
    while (count < room && at <= size - header) {
        const uint8_t *p = data + at;
        const int64_t fraction = number(walk, p + 4), captured = number(walk, p + 8);
        if (captured > walk->longest || captured > size - header - at || fraction >= second)
            break;
        out[count++] = (struct record){(int64_t)number(walk, p) * SECOND + fraction * tick,
                                       at + header, captured, number(walk, p + 12)};
        at += header + captured;
    }
    walk->at = at;
    return count;
}

enum { ENHANCED_PACKET = 6, BLOCK = 32, PACKET_AT = 28 };

/* Takes enhanced packet blocks without options of one interface; as above.  It stops in front of
 * any other block, and of a time that 63 bits do not hold. */
int64_t inspector_core_walk_pcapng(struct walk *walk, const uint8_t *data, int64_t size,
                                   struct record *out, int64_t room)
{
    int64_t at = walk->at, count = 0;
    if (at < 0 || walk->tick < 1 || walk->longest < 0)
        return 0;
    while (count < room && at <= size - BLOCK) {
        const uint8_t *p = data + at;
        const int64_t length = number(walk, p + 4), captured = number(walk, p + 20);
        const uint64_t stamp = (uint64_t)number(walk, p + 12) << 32 | number(walk, p + 16);
        int64_t time;
        if (number(walk, p) != ENHANCED_PACKET || number(walk, p + 8) != walk->interface ||
            captured > walk->longest || length != BLOCK + ((captured + 3) & ~(int64_t)3) ||
            length > size - at || number(walk, p + length - 4) != length ||
            __builtin_mul_overflow(stamp, walk->tick, &time) ||
            __builtin_add_overflow(time, walk->offset, &time))
            break;
        out[count++] =
            (struct record){time, at + PACKET_AT, captured, number(walk, p + 24)};
        at += length;
    }
    walk->at = at;
    return count;
}

enum {
    FRAME_HEADER = 48, /* struct tpacket3_hdr, linux/if_packet.h: fields of the machine's order */
    CAPTURED_AT = 12,
    WIRE_AT = 16,
    STATUS_AT = 20,
    OFFSET_AT = 24,
    VLAN_VALID = 1 << 4
};

/* Takes the frames of a block of a live ring (`linux/tpacket.py`), whose first header is at `at`;
 * how many.  It stops in front of one that does not lie in `data`, and of one whose tag is to be
 * put back. */
int64_t inspector_core_walk_ring(const uint8_t *data, int64_t size, int64_t at, int64_t tagged,
                                 struct record *out, int64_t room)
{
    int64_t count = 0;
    while (count < room && at >= 0 && at <= size - FRAME_HEADER) {
        const uint8_t *p = data + at;
        const int64_t captured = le32(p + CAPTURED_AT);
        const int64_t start = at + (p[OFFSET_AT] | p[OFFSET_AT + 1] << 8);
        if (captured > size - start || (tagged && p[STATUS_AT] & VLAN_VALID))
            break;
        out[count++] = (struct record){(int64_t)le32(p + 4) * SECOND + le32(p + 8), start, captured,
                                       le32(p + WIRE_AT)};
        at += le32(p);
    }
    return count;
}

/* Of records, the earliest and the latest time; the answer is whether each is at or behind the one
 * before it, the first at or behind `before`. */
int64_t inspector_core_span(const struct record *records, int64_t count, int64_t before,
                            int64_t *earliest, int64_t *latest)
{
    int64_t ordered = 1, least = INT64_MAX, most = INT64_MIN;
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = records[i].at;
        ordered &= at >= before;
        before = at;
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    *earliest = least;
    *latest = most;
    return ordered;
}
