/* The packets of a copy, as far as they are the same for nearly every packet: what
 * `redaction/usual.py`, `redaction/gathering.py`, `redaction/covering.py`, `redaction/sealed.py` and
 * `pcap/blocks.py` do, which specify it and take what this leaves. */
#include "bytes.h"
#include "core.h"
#include "frames.h"
#include "keys.h"
#include "tls.h"

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

/* Whether records lie one behind another. */
static int are_in_order(const struct record *records, int64_t count, int64_t size)
{
    int64_t end = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!lies_within(records + i, size) || records[i].offset < end)
            return 0;
        end = records[i].offset + records[i].captured;
    }
    return 1;
}

/* The packets of records one behind another in `bytes`, without what lies between them, and where
 * they lie now in `out`.  How many: it stops where there is no more room.  `bytes` may be the `data`
 * itself; none is moved then unless all lie in order. */
int64_t inspector_core_gather(const uint8_t *data, int64_t size, const struct record *records,
                              int64_t count, struct record *out, uint8_t *bytes, int64_t room)
{
    int64_t used = 0, i = 0;
    if (bytes == data && !are_in_order(records, count, size))
        return 0;
    for (; i < count; i++) {
        const struct record *record = records + i;
        if (!lies_within(record, size) || record->captured > room - used)
            break;
        out[i] = *record;
        out[i].offset = used;
        copy_bytes(bytes + used, data + record->offset, record->captured);
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
        copy_bytes(block + PACKET_AT, data + record->offset, record->captured);
        for (int64_t n = record->captured; n < padded; n++)
            block[PACKET_AT + n] = 0;
        put(is_big != 0, block + length - 4, (uint32_t)length);
        at += length;
    }
    *used = at;
    return i;
}

/* Chains the rows with a payload, from `begin` to before `end`, by their directions: of each the
 * first in `firsts`, and behind a row the following one of its direction; -1: there is none. */
int64_t inspector_core_chain(const struct usual *rows, int64_t begin, int64_t end,
                             int64_t *following, int64_t *firsts, int64_t ways)
{
    for (int64_t way = 0; way < ways; way++)
        firsts[way] = -1;
    for (int64_t i = end - 1; i >= begin; i--) {
        const struct usual *row = rows + i;
        if (row->way < 0 || row->way >= ways || row->start >= row->stop)
            continue;
        following[i] = firsts[row->way];
        firsts[row->way] = i;
    }
    return end - begin;
}

enum { SYNCHRONIZE = 2, CHANGED = 1, REACH = 64 };

/* A byte that masks are made of (`MASK_BYTES` in Python). */
static int is_mask(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || byte == 'x' || byte == 'X' || byte == 0xBF;
}

/* Whether a mask that changes a byte beside a stretch goes on in it. */
static int goes_on(const struct cover *cover, int64_t low, int64_t high, int64_t end)
{
    if (is_mask(cover->out[low]))
        for (int64_t i = low - 1; i >= 0 && i >= low - REACH && is_mask(cover->out[i]); i--)
            if (cover->out[i] != cover->raw[i])
                return 1;
    if (is_mask(cover->out[high - 1]))
        for (int64_t i = high; i < end && i < high + REACH && is_mask(cover->out[i]); i++)
            if (cover->out[i] != cover->raw[i])
                return 1;
    return 0;
}

static void blank(uint8_t *data, int64_t size)
{
    int64_t i = 0;
    for (; i <= size - 8; i += 8)
        put_le64(data + i, eight(FILL));
    for (; i < size; i++)
        data[i] = FILL;
}

/* The last record that begins no later than at an offset; -1: none does. */
static int64_t record_at(const struct cover *cover, int64_t offset)
{
    int64_t low = 0, high = cover->record_count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (cover->records[2 * middle] <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

/* Whether the header of a record, as far as it stands between two offsets, is the one that came
 * there first. */
static int has_header(const int64_t *record, const uint8_t *frame, int64_t offset, int64_t stop)
{
    for (int64_t i = 0; i < TLS_HEADER && record[1] & BEGINS; i++) {
        const int64_t at = record[0] + i;
        if (at >= offset && at < stop && frame[at - offset] != (uint8_t)(record[1] >> (32 - 8 * i)))
            return 0;
    }
    return 1;
}

enum { UNLIKE = -1 };

/* Blanks all but the headers of records in a packet; whether that changes anything (1) or not (0).
 * UNLIKE: it has another header than its direction. */
static int blank_bodies(const struct cover *cover, uint8_t *frame, int64_t offset, int64_t length)
{
    const int64_t stop = offset + length, count = cover->record_count;
    const int64_t first = record_at(cover, offset);
    const int64_t *record = cover->records + 2 * first;
    if (first < 0)
        return UNLIKE;
    int64_t behind = first;
    for (; behind < count && cover->records[2 * behind] < stop; behind++)
        if (!has_header(cover->records + 2 * behind, frame, offset, stop))
            return UNLIKE;
    int is_changed = 0;
    for (int64_t i = first; i < behind; i++, record += 2) {
        const int64_t end = i + 1 < behind ? record[2] : stop;
        int64_t body = record[0] + (record[1] & BEGINS ? TLS_HEADER : 0);
        body = body > offset ? body : offset;
        if (body >= end)
            continue;
        uint8_t *hidden = frame + (body - offset);
        if (record[1] & HIDES || (record[1] & UNSEEN && hides(hidden, end - body)))
            is_changed = 1;
        blank(hidden, end - body);
    }
    return is_changed;
}

/* Writes what may be written of a packet, whose first byte is the one at `low` of the stretch; whether
 * that changes anything (1) or not (0).  UNLIKE: its bytes are not those of its direction. */
static int write_row(const struct cover *cover, uint8_t *frame, int64_t low, int64_t length,
                     int64_t end)
{
    if (cover->records)
        return blank_bodies(cover, frame, cover->base + low, length);
    if (!is_equal(frame, cover->raw + low, length))
        return UNLIKE;
    if (is_equal(frame, cover->out + low, length))
        return goes_on(cover, low, low + length, end);
    copy_bytes(frame, cover->out + low, length);
    return 1;
}

/* Writes what may be written of rows that are chained from `at` on, as far as they are decided and
 * lie in the stretch that the caller has the bytes of.  The row at which it stopped, for the caller
 * to do (`cover->odd` is its offset); -1: there is none.  What waits stays chained, from
 * `cover->first` on. */
int64_t inspector_core_cover(struct cover *cover, uint8_t *data, int64_t size,
                             const struct usual *rows, int64_t *following, int64_t count,
                             int64_t at, uint8_t *flags)
{
    const int64_t decided = cover->decided, base = cover->base;
    const int64_t end = decided - base < cover->length ? decided - base : cover->length;
    while (at >= 0 && at < count) {
        const struct usual *row = rows + at;
        const int64_t behind = following[at];
        if (behind >= 0 && behind <= at)
            return -1;
        const int64_t length = row->stop - row->start;
        if (row->start < 0 || length <= 0 || row->stop > size) {
            at = behind; /* it was given up */
            continue;
        }
        const uint32_t number = (uint32_t)row->sequence + !!(row->flags & SYNCHRONIZE);
        const int64_t offset = cover->offset + (int32_t)(number - (uint32_t)cover->known);
        const int64_t low = offset - base, high = low + length;
        uint8_t *frame = data + row->start;
        const int written =
            low >= 0 && high <= end ? write_row(cover, frame, low, length, end) : UNLIKE;
        if (written != UNLIKE) {
            flags[at] |= (uint8_t)(cover->mark | (written ? CHANGED : 0));
        } else if (cover->over || offset + length <= decided) {
            cover->odd = offset;
            return at;
        } else {
            if (cover->first < 0)
                cover->first = at;
            else if (cover->last >= 0 && cover->last < at)
                following[cover->last] = at;
            cover->last = at;
            following[at] = -1;
            cover->least = offset < cover->least ? offset : cover->least;
            cover->soonest = offset + length < cover->soonest ? offset + length : cover->soonest;
        }
        at = behind;
    }
    return -1;
}
