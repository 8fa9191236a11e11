/* Bodies in chunks and records of TLS, as far as they are the same for nearly every piece: what
 * `protocols/http1_chunks.py`, `redaction/messages.py` and `protocols/tls_walk.py` do, which specify
 * it and go on where this stops.  Pieces are places in `data`: `start` to `stop`, with the packet
 * that brought them. */
#include "bytes.h"
#include "core.h"

enum { DIGITS = 15 }; /* of a chunk's size; 63 bits hold them */

/* Behind the last of the pieces from `from` on that lie one behind another. */
static int64_t row_end(const struct taken *in, int64_t count, int64_t from, int64_t size)
{
    int64_t i = from;
    while (i < count && is_within(in + i, size) && (i == from || in[i].start == in[i - 1].stop))
        i++;
    return i;
}

/* Where the data begins of the chunk whose line begins at `p`, and how long it is; 0: the line needs
 * a closer look, or the chunk does not end before `stop`. */
static int64_t whole_chunk(const uint8_t *data, int64_t p, int64_t stop, int64_t *length)
{
    int64_t line = p;
    int digit;
    *length = 0;
    if (data[p] == '0')
        return 0;
    while (line < stop && line - p < DIGITS && (digit = hex_digit(data[line])) >= 0) {
        *length = *length << 4 | digit;
        line++;
    }
    if (line == p || stop - line < 4 || data[line] != '\r' || data[line + 1] != '\n')
        return 0;
    const int64_t start = line + 2;
    if (*length > stop - start - 2 || data[start + *length] != '\r' ||
        data[start + *length + 1] != '\n')
        return 0;
    return start;
}

/* Takes chunks (RFC 9112 7.1) from `at->position` of piece `at->index` on, as far as pieces lie one
 * behind another; what is in them are new pieces, one for each piece that it came in; how many.  It
 * stops in front of the first chunk line that needs a closer look: one with an extension or a
 * leading zero, the last one, one of a chunk that is not all there. */
int64_t inspector_core_chunks(struct chunking *at, const uint8_t *data, int64_t size,
                              const struct taken *in, int64_t count, struct taken *out,
                              int64_t room)
{
    int64_t made = 0, p = 0, row = at->index;
    at->body = at->passed = 0;
    if (at->index < 0 || at->position < 0)
        return 0;
    for (;;) {
        for (; at->index < row && p >= in[at->index].stop; at->index++, at->position = 0)
            at->passed += in[at->index].stop - in[at->index].start;
        if (at->index >= row) {
            row = row_end(in, count, at->index, size);
            if (at->index >= row || at->position > in[at->index].stop - in[at->index].start)
                return made;
            p = in[at->index].start + at->position;
            continue;
        }
        at->position = p - in[at->index].start;
        int64_t length, piece = at->index, after = made;
        const int64_t start = whole_chunk(data, p, in[row - 1].stop, &length);
        if (!start)
            return made;
        for (int64_t begin = start; begin < start + length; after++) {
            while (in[piece].stop <= begin)
                piece++;
            const int64_t end = in[piece].stop < start + length ? in[piece].stop : start + length;
            if (after >= room)
                return made;
            out[after] = (struct taken){in[piece].at, in[piece].packet, begin, end};
            begin = end;
        }
        made = after;
        at->body += length;
        p = start + length + 2;
    }
}

/* Behind a line end that is there; 0: none is. */
static const uint8_t *line_end(const uint8_t *p, const uint8_t *end)
{
    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
        return p + 2;
    return p < end && *p == '\n' ? p + 1 : 0;
}

enum { LONGEST_SIZE = 16 };

/* Whether this is chunk lines that say a size and nothing else, each with the end of the data before
 * it or without: `redaction/messages.py:_PLAIN_LINES`. */
static int are_plain_lines(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        const uint8_t *behind = line_end(p, end), *size = behind ? behind : p;
        for (p = size; p < end && p - size < LONGEST_SIZE && hex_digit(*p) >= 0;)
            p++;
        behind = line_end(p, end);
        if (p == size || !behind)
            return 0;
        p = behind;
    }
    return 1;
}

/* Lays the bytes of a body into the places (each two numbers) that they have in a stretch of a
 * stream, whose first byte is `start`; 1.  0: between two of them stands more than plain chunk
 * lines, or they do not fit. */
int64_t inspector_core_lay(uint8_t *out, int64_t size, int64_t start, const int64_t *places,
                           int64_t count, const uint8_t *body, int64_t body_size)
{
    int64_t at = 0, laid = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t begin, stop;
        if (__builtin_sub_overflow(places[2 * i], start, &begin) ||
            __builtin_sub_overflow(places[2 * i + 1], start, &stop))
            return 0;
        if (begin < at || stop < begin || stop > size || stop - begin > body_size - laid ||
            !are_plain_lines(out + at, out + begin))
            return 0;
        for (at = begin; at < stop; at++)
            out[at] = body[laid++];
    }
    return laid == body_size;
}

enum { TLS_HEADER = 5, APPLICATION_DATA = 23, TLS_1_2 = 0x0303, LONGEST_RECORD = 16384 + 2048 };

/* Takes pieces in which nothing is but application data: whole records, the rest of one, the start
 * of one (RFC 8446 5.1); how many.  It stops in front of a piece with another record, or that ends
 * inside a record's header. */
int64_t inspector_core_sealed(struct sealed *walk, const uint8_t *data, int64_t size,
                              const struct taken *in, int64_t count)
{
    int64_t i = 0;
    walk->records = walk->bytes = 0;
    if (walk->left < 0 || walk->size < 0)
        return 0;
    for (; i < count; i++) {
        const struct taken *piece = in + i;
        if (!is_within(piece, size))
            break;
        const int64_t length = piece->stop - piece->start;
        int64_t at = walk->left, begun = walk->size, records = 0, bytes = 0;
        if (at > length) {
            walk->left -= length;
            continue;
        }
        if (at) {
            records = 1;
            bytes = begun;
        }
        while (at <= length - TLS_HEADER) {
            const uint8_t *p = data + piece->start + at;
            begun = be16(p + 3);
            if (p[0] != APPLICATION_DATA || be16(p + 1) != TLS_1_2 || !begun ||
                begun > LONGEST_RECORD)
                break;
            at += TLS_HEADER + begun;
            if (at <= length) {
                records++;
                bytes += begun;
            }
        }
        if (at < length)
            break;
        walk->left = at - length;
        walk->size = begun;
        walk->records += records;
        walk->bytes += bytes;
    }
    return i;
}

/* Puts pieces to bursts: one that comes less than `pause` after the last goes on with it.  The first
 * of `out` may go on, if it has bytes; how many there are then, or `room`. */
int64_t inspector_core_bursts(const struct taken *in, int64_t count, int64_t pause,
                              struct burst *out, int64_t room)
{
    int64_t made = 0;
    for (int64_t i = 0; i < count && made < room; i++) {
        struct burst *burst = out + made;
        const int64_t at = in[i].at, bytes = in[i].stop - in[i].start;
        int64_t since;
        if (burst->bytes &&
            (__builtin_sub_overflow(at, burst->last, &since) ? at < burst->last : since < pause)) {
            burst->last = at > burst->last ? at : burst->last;
            burst->bytes += bytes;
            continue;
        }
        if (burst->bytes && ++made == room)
            break;
        out[made] = (struct burst){at, at, bytes};
    }
    return made < room && out[made].bytes ? made + 1 : made;
}
