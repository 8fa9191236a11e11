/* The audit of a copy, as far as it is the same for nearly every packet: see
 * `redaction/comparison.py` and `redaction/said.py`, which specify it, and go on where this has a
 * doubt. */
#include "bytes.h"
#include "core.h"
#include "frames.h"

enum { WORD = 8, BYTE = 0xFF };

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

enum { FILL = 'x', LONG = 16, LEAST = 8 };

/* Where a run of fill ends in which a word stands at `at`. */
static int64_t fill_end(const uint8_t *data, int64_t at, int64_t stop)
{
    const uint64_t word = le64(data + at);
    while (at <= stop - WORD && le64(data + at) == word)
        at += WORD;
    while (at < stop && data[at] == FILL)
        at++;
    return at;
}

/* Texts as they are written, one behind another. */
struct texts {
    uint8_t *out;
    int64_t room, used;
};

/* Write one, and what no text has: a long run of fill and a line's end; 0: there is no room. */
static int write_text(struct texts *texts, const uint8_t *text, int64_t size)
{
    if (size < LEAST)
        return 1;
    if (size > texts->room - texts->used - LONG - 1)
        return 0;
    uint8_t *out = texts->out + texts->used;
    copy_bytes(out, text, size);
    for (int64_t i = size; i < size + LONG; i++)
        out[i] = FILL;
    out[size + LONG] = '\n';
    texts->used += size + LONG + 1;
    return 1;
}

/* Write what stands between long runs of fill. */
static int write_texts(struct texts *texts, const uint8_t *data, int64_t start, int64_t stop)
{
    const uint64_t fill = FILL * UINT64_C(0x0101010101010101);
    int64_t begun = start, at = start;
    /* In a run of sixteen one word of these is nothing else. */
    while (at <= stop - WORD) {
        if (le64(data + at) != fill) {
            at += WORD;
            continue;
        }
        int64_t first = at;
        while (first > begun && data[first - 1] == FILL)
            first--;
        at = fill_end(data, at, stop);
        if (at - first < LONG)
            continue;
        if (!write_text(texts, data + begun, first - begun))
            return 0;
        begun = at;
    }
    return write_text(texts, data + begun, stop - begun);
}

/* What packets say between their masks, behind the headers of usual frames; how many bytes were
 * written, -1: there is no room for them. */
int64_t inspector_core_said(const uint8_t *data, int64_t size, const struct usual *usual,
                            const struct record *records, int64_t count, uint8_t *out,
                            int64_t room)
{
    struct texts texts = {out, room, 0};
    for (int64_t i = 0; i < count; i++) {
        const struct record *record = records + i;
        if (!lies_within(record, size))
            return -1;
        const int64_t stop = record->offset + record->captured;
        const int64_t start = usual[i].key < 0 ? record->offset : usual[i].start;
        if (start < record->offset || start > stop || !write_texts(&texts, data, start, stop))
            return -1;
    }
    return texts.used;
}
