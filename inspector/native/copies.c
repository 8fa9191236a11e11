/* The packets of a copy, as far as they are the same for nearly every packet: what
 * `redaction/usual.py` does, which specifies it and takes what this leaves. */
#include "bytes.h"
#include "core.h"
#include "frames.h"
#include "keys.h"

enum { STAMPED = 32, STAMPS = 0x0101080A };

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
    if (record->offset < 0 || record->captured < 0 || record->offset > size ||
        record->captured > size - record->offset)
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
