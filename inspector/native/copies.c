/* The packets of a copy, as far as they are the same for nearly every packet: what
 * `redaction/usual.py`, `redaction/held.py` and `pcap/blocks.py` do, which specify it and take what
 * this leaves. */
#include "bytes.h"
#include "core.h"
#include "frames.h"
#include "keys.h"

enum { STAMPED = 32, STAMPS = 0x0101080A };

/* Whether a record lies within the data. */
static int lies_within(const struct record *record, int64_t size)
{
    return record->offset >= 0 && record->captured >= 0 && record->offset <= size &&
           record->captured <= size - record->offset;
}

/* Whether nothing but zeros stands from `at` to before `stop`. */
static int is_zero(const uint8_t *data, int64_t at, int64_t stop)
{
    while (at < stop && !data[at])
        at++;
    return at >= stop;
}

/* Whether a record is a usual frame, and what it holds. */
static int is_usual(const uint8_t *data, int64_t size, int64_t before_ip,
                    const struct record *record, struct usual *out)
{
    struct packet packet;
    if (!lies_within(record, size))
        return 0;
    const uint8_t *frame = data + record->offset;
    if (!read_headers(frame, record->captured, before_ip, &packet) ||
        packet.length < 0 || before_ip + packet.total > record->captured)
        return 0;
    const int64_t payload = before_ip + IPV4 + packet.header;
    if (packet.header != TCP &&
        (packet.header != STAMPED || be32(frame + before_ip + IPV4 + TCP) != STAMPS))
        return 0;
    if (!is_zero(frame, payload + packet.length, record->captured))
        return 0;
    *out = (struct usual){packet.key - data, packet.sequence, packet.flags,
                          record->offset + payload, record->offset + payload + packet.length, 0};
    return 1;
}

/* The segments of records that are usual frames, one behind another, each with the number of its
 * direction among those that `ways` has met; -1 for the key of any other.  How many there are. */
int64_t inspector_core_usual(struct ways *ways, const uint8_t *data, int64_t size,
                             int64_t before_ip, const struct record *records, int64_t count,
                             struct usual *out)
{
    if (before_ip < 2)
        return 0;
    for (int64_t i = 0; i < count; i++) {
        out[i] = (struct usual){-1, 0, 0, 0, 0, -1};
        struct usual found;
        if (!is_usual(data, size, before_ip, records + i, &found))
            continue;
        const uint8_t *key = data + found.key;
        const int64_t at = place(ways->seed, ways->slots, ways->mask, key);
        if (at < 0)
            continue;
        struct slot *slot = ways->slots + at;
        if (!slot->value) {
            copy_key(slot->key, key);
            slot->value = (int32_t)++ways->count;
        }
        found.way = slot->value - 1;
        out[i] = found;
    }
    return count;
}

static void copy(uint8_t *to, const uint8_t *from, int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        to[i] = from[i];
}

/* The packets of records one behind another in `bytes`, without what lies between them, and where
 * they lie now in `out`.  How many: it stops where there is no more room. */
int64_t inspector_core_gather(const uint8_t *data, int64_t size, const struct record *records,
                              int64_t count, struct record *out, uint8_t *bytes, int64_t room)
{
    int64_t used = 0, i = 0;
    for (; i < count; i++) {
        const struct record *record = records + i;
        if (!lies_within(record, size) || record->captured > room - used)
            break;
        out[i] = *record;
        out[i].offset = used;
        copy(bytes + used, data + record->offset, record->captured);
        used += record->captured;
    }
    return i;
}

static void put(int is_big, uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (is_big ? 24 - 8 * i : 8 * i));
}

enum { ENHANCED_PACKET = 6, BLOCK = 32, PACKET_AT = 28 };

/* Writes records as enhanced packet blocks without options, of nanoseconds from 1970; how many: it
 * stops where there is no more room, and in front of a time before 1970.  `*used` bytes. */
int64_t inspector_core_blocks(const uint8_t *data, int64_t size, const struct record *records,
                              int64_t count, int64_t interface, int64_t is_big, uint8_t *out,
                              int64_t room, int64_t *used)
{
    int64_t at = 0, i = 0;
    for (; i < count; i++) {
        const struct record *record = records + i;
        if (!lies_within(record, size) || record->at < 0 || record->captured > room)
            break;
        const int64_t padded = (record->captured + 3) & ~(int64_t)3, length = BLOCK + padded;
        if (length > room - at)
            break;
        uint8_t *block = out + at;
        const uint32_t fields[] = {ENHANCED_PACKET, (uint32_t)length, (uint32_t)interface,
                                   (uint32_t)(record->at >> 32), (uint32_t)record->at,
                                   (uint32_t)record->captured, (uint32_t)record->wire};
        for (int n = 0; n < 7; n++)
            put(is_big != 0, block + 4 * n, fields[n]);
        copy(block + PACKET_AT, data + record->offset, record->captured);
        for (int64_t n = record->captured; n < padded; n++)
            block[PACKET_AT + n] = 0;
        put(is_big != 0, block + length - 4, (uint32_t)length);
        at += length;
    }
    *used = at;
    return i;
}
