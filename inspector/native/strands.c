/* What each direction says in a batch, its segments put together as far as they follow each other:
 * `redaction/strands.py`, which specifies it. */
#include "bytes.h"
#include "core.h"

enum { SYN = 2 };

static int is_sound(const struct weave *weave, const struct usual *segment, int64_t size)
{
    return segment->way >= 0 && segment->way < weave->ways && segment->start >= 0 &&
           segment->start <= segment->stop && segment->stop <= size;
}

/* Put each segment to the strand that it belongs to; how many strands there are, -1: a segment lies,
 * or there is no room. */
static int64_t assign(struct weave *weave, int64_t size, const struct usual *usual, int64_t count)
{
    int64_t made = 0;
    if (count > weave->room)
        return -1;
    for (int64_t i = 0; i < weave->ways; i++)
        weave->latest[i] = -1;
    for (int64_t i = 0; i < count; i++) {
        const struct usual *segment = usual + i;
        weave->of[i] = -1;
        if (segment->key < 0)
            continue;
        if (!is_sound(weave, segment, size))
            return -1;
        const int64_t length = segment->stop - segment->start;
        const int opens = (segment->flags & SYN) != 0;
        if (!length && !opens)
            continue;
        int64_t *latest = weave->latest + segment->way;
        if (*latest < 0 || opens ||
            (uint32_t)(weave->strands[*latest].sequence + weave->strands[*latest].length) !=
                (uint32_t)segment->sequence) {
            weave->strands[made] = (struct strand){i, segment->key, segment->sequence,
                                                   segment->flags, 0, 0, 0, 0, 0, 0};
            *latest = made++;
        }
        struct strand *strand = weave->strands + *latest;
        strand->length += length;
        strand->pieces++;
        weave->of[i] = *latest;
        if (opens)
            *latest = -1;
    }
    return made;
}

/* Where each strand's bytes and pieces begin; 0: there is no room for the bytes. */
static int place(struct weave *weave, int64_t made)
{
    int64_t begin = 0, piece = 0;
    for (int64_t i = 0; i < made; i++) {
        struct strand *strand = weave->strands + i;
        if (strand->length > weave->bytes_room - begin)
            return 0;
        strand->begin = begin;
        strand->piece = piece;
        begin += strand->length;
        piece += strand->pieces;
        strand->length = strand->pieces = 0; /* counted anew where they are filled */
    }
    return 1;
}

static void fill(const struct weave *weave, const uint8_t *data, const struct usual *usual,
                 int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (weave->of[i] < 0)
            continue;
        struct strand *strand = weave->strands + weave->of[i];
        const int64_t start = usual[i].start, length = usual[i].stop - start;
        weave->pieces[strand->piece + strand->pieces++] =
            (struct piece){i, strand->length, length, start};
        copy_bytes(weave->bytes + strand->begin + strand->length, data + start, length);
        strand->length += length;
    }
}

/* The bytes of a strand without what lies further than `edge` within a piece, NUL instead of that;
 * 0: there is no room. */
static int seam(struct weave *weave, struct strand *strand)
{
    const int64_t edge = weave->edge;
    strand->seam = weave->seams_used;
    for (int64_t i = 0; i < strand->pieces; i++) {
        const struct piece *piece = weave->pieces + strand->piece + i;
        const uint8_t *bytes = weave->bytes + strand->begin + piece->offset;
        const int is_long = piece->length > 2 * edge;
        const int64_t length = is_long ? 2 * edge + 1 : piece->length;
        if (length > weave->seams_room - weave->seams_used)
            return 0;
        uint8_t *out = weave->seams + weave->seams_used;
        if (is_long) {
            copy_bytes(out, bytes, edge);
            out[edge] = 0;
            copy_bytes(out + edge + 1, bytes + piece->length - edge, edge);
        } else {
            copy_bytes(out, bytes, length);
        }
        weave->seams_used += length;
    }
    strand->seam_length = weave->seams_used - strand->seam;
    return 1;
}

/* The strands of a batch in the order of their first packets; how many, -1: there is no room, or
 * what is said of the segments is not so. */
int64_t inspector_core_strands(struct weave *weave, const uint8_t *data, int64_t size,
                               const struct usual *usual, int64_t count)
{
    weave->seams_used = 0;
    if (weave->edge < 0)
        return -1;
    const int64_t made = assign(weave, size, usual, count);
    if (made < 0 || !place(weave, made))
        return -1;
    fill(weave, data, usual, count);
    for (int64_t i = 0; i < made; i++)
        if (!seam(weave, weave->strands + i))
            return -1;
    return made;
}
