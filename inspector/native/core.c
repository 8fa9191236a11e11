/* The packet path of `flows/engine.py:PacketEngine`, as far as it is the same for nearly every
 * packet: a frame of Ethernet or SLL, IPv4 without options or fragments, TCP, of a connection that
 * is known; a pure acknowledgement, data that passes unseen, data for a reader that takes many
 * segments at a time.  `join` stops in front of anything else: the pure engine, which specifies all
 * this, takes that one packet, and calls again.
 *
 * Freestanding C99: no library is needed at run time, so that one object serves every libc. */
#include "bytes.h"
#include "core.h"
#include "frames.h"
#include "keys.h"

enum { FIN = 1, SYN = 2, RST = 4 };
enum { LONGEST = 1 << 30 };

int64_t inspector_core_abi(void) { return INSPECTOR_CORE_ABI; }

/* The sizes of the shapes, in the order in which `layout.py` has them; how many there are. */
int64_t inspector_core_sizes(int64_t *out, int64_t room)
{
    const int64_t sizes[] = {sizeof(struct record), sizeof(struct half),  sizeof(struct slot),
                             sizeof(struct segment), sizeof(struct taken), sizeof(struct state),
                             sizeof(struct walk),    sizeof(struct chunking),
                             sizeof(struct heard),   sizeof(struct finder),  sizeof(struct windows),
                             sizeof(struct sealed),  sizeof(struct usual),   sizeof(struct ways),
                             sizeof(struct json),    sizeof(struct known_token),
                             sizeof(struct known),   sizeof(struct cover),
                             sizeof(struct strand),  sizeof(struct piece),   sizeof(struct weave),
                             sizeof(struct group),   sizeof(struct burst)};
    const int64_t count = (int64_t)(sizeof sizes / sizeof *sizes);
    for (int64_t i = 0; i < count && i < room; i++)
        out[i] = sizes[i];
    return count;
}

/* Set what a key leads to; 1: it is new, 0: it was there, -1: there is no place for it. */
int64_t inspector_core_put(const struct state *state, const uint8_t *key, int64_t value)
{
    int64_t at = place(state->seed, state->slots, state->slot_mask, key);
    if (at < 0)
        return -1;
    struct slot *slot = state->slots + at;
    int64_t is_new = !slot->value;
    copy_key(slot->key, key);
    slot->value = (int32_t)value;
    return is_new;
}

/* Take a key out; 1: it was there.  What was pushed on by it moves back (Knuth 6.4, algorithm R). */
int64_t inspector_core_drop(const struct state *state, const uint8_t *key)
{
    struct slot *slots = state->slots;
    int64_t mask = state->slot_mask;
    int64_t at = place(state->seed, slots, mask, key);
    if (at < 0 || !slots[at].value)
        return 0;
    int64_t gap = at;
    for (int64_t tried = 0; tried < mask; tried++) {
        at = (at + 1) & mask;
        if (!slots[at].value)
            break;
        int64_t home = (int64_t)(hash(state->seed, slots[at].key) & (uint64_t)mask);
        /* It may stay if its home lies behind the gap, going round. */
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        slots[gap] = slots[at];
        gap = at;
    }
    slots[gap].value = 0;
    return 1;
}

/* What a key leads to; 0: nothing. */
int64_t inspector_core_find(const struct state *state, const uint8_t *key)
{
    int64_t at = place(state->seed, state->slots, state->slot_mask, key);
    return at < 0 ? 0 : state->slots[at].value;
}

/* Copy the table into one of `mask + 1` free places; how many keys were copied. */
int64_t inspector_core_rehash(const struct state *state, struct slot *into, int64_t mask)
{
    int64_t copied = 0;
    for (int64_t i = 0; i <= state->slot_mask; i++) {
        const struct slot *slot = state->slots + i;
        if (!slot->value)
            continue;
        int64_t at = place(state->seed, into, mask, slot->key);
        if (at < 0)
            break;
        into[at] = *slot;
        copied++;
    }
    return copied;
}

/* Count a pure acknowledgement, or its second copy. */
static void acknowledge(struct state *state, struct half *half, const struct packet *packet)
{
    state->tcp_packets++;
    if (packet->ident) {
        uint64_t signature = (uint64_t)packet->ident << 32 | packet->acknowledged;
        uint64_t *recent = half->recent + (packet->ident & (RECENT - 1));
        if (*recent == signature) {
            state->duplicate_packets++;
            return;
        }
        *recent = signature;
    }
    half->acked = packet->acknowledged;
}

/* Put data behind what is held of its direction. */
static void hold(struct state *state, int64_t index, const struct segment *segment)
{
    struct half *half = state->halves + index;
    int32_t at = (int32_t)state->segment_count++;
    state->segments[at] = *segment;
    if (half->held && half->last >= 0 && half->last < at)
        state->segments[half->last].following = at;
    else
        half->first = at;
    half->last = at;
    half->held++;
    half->room -= segment->length;
}

/* Where `join` stopped, and why. */
static int64_t answer(int64_t record, enum reason reason)
{
    return record * (1 << REASON_BITS) + reason;
}

/* The state of a direction after its next bytes. */
static void advance(struct half *half, const struct packet *packet, int64_t at)
{
    if (packet->ident)
        half->recent[packet->ident & (RECENT - 1)] =
            (uint64_t)packet->ident << 32 | packet->sequence;
    half->acked = packet->acknowledged;
    half->last_at = at;
    half->next += packet->length;
    if (half->next > UINT32_MAX) {
        half->next &= UINT32_MAX;
        half->wraps++;
    }
}

/* Takes records from `from` on.  The answer is the record at which it stopped, and the reason in
 * its low bits: END, all were taken; RARE or FULL, this one was not, and nothing was changed by it;
 * SHOW, it was, and its bytes are to be shown (`state`); FLUSH, it was, and there is no more room
 * for what is held of its direction. */
int64_t inspector_core_join(struct state *state, const uint8_t *data, int64_t size,
                            const struct record *records, int64_t count, int64_t from)
{
    const int64_t before_ip = state->before_ip;
    int64_t i = from;
    if (size > LONGEST)
        size = LONGEST; /* segments have 32 bits for a place */
    for (; i < count; i++) {
        const struct record *record = records + i;
        struct packet packet;
        if (record->offset < 0 || record->captured < 0 || record->offset > size ||
            record->captured > size - record->offset)
            return answer(i, RARE);
        if (!read_headers(data + record->offset, record->captured, before_ip, &packet))
            return answer(i, RARE);
        int64_t value = inspector_core_find(state, packet.key);
        if (value < 0) {
            /* Closed, or out of scope: of no interest, but for a SYN or data that was not told of. */
            if (packet.flags & SYN || (packet.length > 0 && value != UNINTERESTING))
                return answer(i, RARE);
            state->tcp_packets++;
            continue;
        }
        if (!value || value > state->half_count || packet.flags & (FIN | SYN | RST) ||
            !packet.window)
            return answer(i, RARE);
        struct half *half = state->halves + value - 1;
        if (!packet.length) {
            acknowledge(state, half, &packet);
            continue;
        }
        if ((int64_t)packet.sequence != half->next || packet.length < 0 || packet.header < TCP ||
            packet.total + before_ip > record->captured || half->fin >= 0 || half->early)
            return answer(i, RARE);
        const int64_t skip = half->skip > 0 ? half->skip : 0;
        const int64_t start = record->offset + before_ip + IPV4 + packet.header;
        const int is_held = !skip && half->batch;
        if (is_held && state->segment_count >= state->segment_room)
            return answer(i, FULL);
        state->tcp_packets++;
        advance(half, &packet, record->at);
        if (skip > packet.length) {
            half->skip = skip - packet.length;
            half->last_packet = state->first_packet + i;
            continue;
        }
        if (is_held) {
            hold(state, value - 1,
                 &(struct segment){record->at, state->first_packet + i, (uint32_t)start,
                                   (uint32_t)packet.length, -1, (int32_t)(value - 1)});
            if (half->room >= 0 || half->batch == IN_PLACE)
                continue;
            state->half = value - 1;
            return answer(i, FLUSH);
        }
        if (skip) {
            half->skip = 0;
            half->last_packet = state->first_packet + i;
        }
        state->half = value - 1;
        state->at = record->at;
        state->unseen = skip;
        state->start = start + skip;
        state->stop = start + packet.length;
        return answer(i, SHOW);
    }
    return answer(i, END);
}

/* Takes what is held of a direction out, in order, and its bytes, one behind another; as far as
 * there is room for both; how many, and `used` of the bytes.  Of one that is read in place the bytes
 * stay in the batch. */
static int64_t take_out(struct state *state, struct half *half, const uint8_t *data, int64_t size,
                        struct taken *out, int64_t room, uint8_t *bytes, int64_t bytes_room,
                        int64_t *used)
{
    const int in_place = half->batch == IN_PLACE;
    int64_t at = half->held > 0 ? half->first : -1, count = 0;
    *used = 0;
    while (count < room && at >= 0 && at < state->segment_count) {
        struct segment *segment = state->segments + at;
        const int64_t length = segment->length, offset = segment->offset;
        if (offset > size || length > size - offset || (!in_place && length > bytes_room - *used))
            break;
        const int64_t start = in_place ? offset : half->before + *used;
        out[count++] = (struct taken){segment->at, segment->packet, start, start + length};
        if (!in_place) {
            copy_bytes(bytes + *used, data + offset, length);
            *used += length;
        }
        segment->half = -1;
        at = segment->following;
    }
    half->first = at;
    half->held -= count;
    if (at < 0) {
        half->last = -1;
        half->held = 0;
    }
    return count;
}

/* Takes what is held of one direction, as far as there is room; how many. */
int64_t inspector_core_take(struct state *state, const uint8_t *data, int64_t size, int64_t index,
                            struct taken *out, int64_t room, uint8_t *bytes, int64_t bytes_room)
{
    int64_t used;
    if (index < 0 || index >= state->half_count)
        return 0;
    return take_out(state, state->halves + index, data, size, out, room, bytes, bytes_room, &used);
}

/* Takes what is held of any direction, one direction behind another; of how many it was. */
int64_t inspector_core_settle(struct state *state, const uint8_t *data, int64_t size,
                              struct group *groups, int64_t group_room, struct taken *out,
                              int64_t room, uint8_t *bytes, int64_t bytes_room)
{
    int64_t made = 0;
    for (int64_t i = 0; i < state->segment_count && made < group_room; i++) {
        const int64_t index = state->segments[i].half;
        if (index < 0 || index >= state->half_count)
            continue;
        struct group *group = groups + made;
        group->half = index;
        group->count = take_out(state, state->halves + index, data, size, out, room, bytes,
                                bytes_room, &group->bytes);
        if (!group->count)
            break;
        made++;
        out += group->count;
        room -= group->count;
        bytes += group->bytes;
        bytes_room -= group->bytes;
    }
    return made;
}
