/* The audit of a copy, as far as it is the same for nearly every packet: see
 * `redaction/comparison.py`, which specifies it and goes on where this has a doubt. */
#include "bytes.h"
#include "core.h"

enum { WORD = 8, BYTE = 0xFF };

static int lies_within(const struct record *record, int64_t size)
{
    return record->offset >= 0 && record->captured >= 0 &&
           record->captured <= size - record->offset;
}

/* Whether each byte of a copy is the source's, or one that `foreign` has a zero for. */
static int is_masked(const uint8_t *copy, const uint8_t *source, int64_t size,
                     const uint8_t *foreign)
{
    int64_t at = 0;
    for (; at <= size - WORD; at += WORD) {
        const uint64_t word = le64(copy + at);
        if (word == le64(source + at))
            continue;
        /* Masks are long, and nearly all of one byte. */
        if (word == (word & BYTE) * UINT64_C(0x0101010101010101) && !foreign[word & BYTE])
            continue;
        for (int64_t i = at; i < at + WORD; i++)
            if (copy[i] != source[i] && foreign[copy[i]])
                return 0;
    }
    for (; at < size; at++)
        if (copy[at] != source[at] && foreign[copy[at]])
            return 0;
    return 1;
}

/* The first packet from `from` on that is not as it was captured but for masks; `count`: all are.
 * `foreign` has for each byte whether no mask has it. */
int64_t inspector_core_alike(const uint8_t *copy, int64_t copy_size, const struct record *copies,
                             const uint8_t *source, int64_t source_size,
                             const struct record *sources, int64_t count, int64_t from,
                             const uint8_t *foreign)
{
    int64_t i = from < 0 ? 0 : from;
    for (; i < count; i++) {
        const struct record *one = copies + i, *other = sources + i;
        if (one->at != other->at || one->wire != other->wire ||
            one->captured != other->captured || !lies_within(one, copy_size) ||
            !lies_within(other, source_size) ||
            !is_masked(copy + one->offset, source + other->offset, one->captured, foreign))
            break;
    }
    return i < count ? i : count;
}
