/* Bodies in chunks, and the events in them, as far as they are the same for nearly every piece:
 * what `protocols/http1_body.py` and `protocols/sse.py` do, which specify it and go on where this
 * stops.  Pieces are places in `data`: `start` to `stop`, with the packet that brought them. */
#include "bytes.h"
#include "core.h"
#include "json.h"

enum { DIGITS = 15 }; /* of a chunk's size; 63 bits hold them */

/* Takes chunks that lie whole in a piece (RFC 9112 7.1), from `at->position` of piece `at->index`
 * on; what is in them are new pieces; how many.  It stops in front of the first chunk line that
 * needs a closer look: one with an extension or a leading zero, the last one, one that goes on in
 * the next piece. */
int64_t inspector_core_chunks(struct chunking *at, const uint8_t *data, int64_t size,
                              const struct taken *in, int64_t count, struct taken *out,
                              int64_t room)
{
    int64_t made = 0;
    at->body = at->passed = 0;
    if (at->index < 0 || at->position < 0)
        return 0;
    for (; at->index < count; at->index++, at->position = 0) {
        const struct taken *piece = in + at->index;
        if (piece->start < 0 || piece->stop > size || piece->start > piece->stop)
            return made;
        const int64_t stop = piece->stop;
        int64_t p = piece->start + at->position;
        while (p < stop) {
            int64_t line = p, length = 0;
            int digit;
            if (data[p] == '0')
                return made;
            while (line < stop && line - p < DIGITS && (digit = hex_digit(data[line])) >= 0) {
                length = length << 4 | digit;
                line++;
            }
            if (line == p || stop - line < 4 || data[line] != '\r' || data[line + 1] != '\n')
                return made;
            const int64_t start = line + 2;
            if (length > stop - start - 2 || data[start + length] != '\r' ||
                data[start + length + 1] != '\n' || made >= room)
                return made;
            out[made++] = (struct taken){piece->at, piece->packet, start, start + length};
            at->body += length;
            p = start + length + 2;
            at->position = p - piece->start;
        }
        at->passed += stop - piece->start;
    }
    return made;
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

/* Behind a string whose quotation mark is at `p`; 0: it is none, or of other than ASCII, or holds
 * half a character beyond the first plane. */
static const uint8_t *string(const uint8_t *p, const uint8_t *end)
{
    int64_t length;
    for (p++; p < end; p += length) {
        length = 1;
        if (*p == '"')
            return p + 1;
        if (*p < 0x20 || *p >= 0x80)
            return 0;
        if (*p == '\\' && !(length = escape(p, end)))
            return 0;
        if (length == 6 && hex_digit(p[2]) == 13 && hex_digit(p[3]) >= 8)
            return 0;
    }
    return 0;
}

enum { LONGEST_NUMBER = 16 };

/* Behind a number without an exponent, of which nobody doubts that it is one; 0: it is none. */
static const uint8_t *decimal(const uint8_t *p, const uint8_t *end)
{
    int has_exponent;
    const uint8_t *behind = number(p, end, &has_exponent);
    return behind && !has_exponent && behind - p <= LONGEST_NUMBER ? behind : 0;
}

static const uint8_t *word(const uint8_t *p, const uint8_t *end, const char *text, int64_t length)
{
    return begins(p, end, text, length) ? p + length : 0;
}

static const uint8_t *scalar(const uint8_t *p, const uint8_t *end)
{
    switch (*p) {
    case '"': return string(p, end);
    case 't': return word(p, end, "true", 4);
    case 'f': return word(p, end, "false", 5);
    case 'n': return word(p, end, "null", 4);
    default: return decimal(p, end);
    }
}

enum { DEPTH = 60 };

/* Whether this is one JSON value (RFC 8259) and nothing else; a no may be wrong. */
static int is_json(const uint8_t *p, const uint8_t *end)
{
    uint64_t objects = 0; /* a bit for each open one: whether it is an object */
    int depth = 0;
    for (;;) {
        p = space(p, end);
        if (p >= end)
            return 0;
        if (*p == '{' || *p == '[') {
            const int is_object = *p == '{';
            if (++depth > DEPTH)
                return 0;
            objects = objects << 1 | (uint64_t)is_object;
            p = space(p + 1, end);
            if (p < end && *p == (is_object ? '}' : ']'))
                goto closed;
            if (!is_object)
                continue;
            goto name;
        }
        p = scalar(p, end);
        if (!p)
            return 0;
    after:
        p = space(p, end);
        if (!depth)
            return p == end;
        if (p >= end)
            return 0;
        if (*p == ',') {
            if (!(objects & 1)) {
                p++;
                continue;
            }
            p = space(p + 1, end);
            goto name;
        }
        if (*p != (objects & 1 ? '}' : ']'))
            return 0;
    closed:
        p++;
        depth--;
        objects >>= 1;
        goto after;
    name:
        if (p >= end || *p != '"' || !(p = string(p, end)))
            return 0;
        p = space(p, end);
        if (p >= end || *p != ':')
            return 0;
        p++;
    }
}

static const char DATA[] = "\ndata: ";
enum { DATA_LENGTH = sizeof DATA - 1 };

/* Which of the heads (a length, a text, one behind another) begins a piece that goes on with data;
 * -1: none.  `*data` is where that begins. */
static int64_t head_of(const uint8_t *p, const uint8_t *end, const uint8_t *heads, int64_t size,
                       const uint8_t **begin)
{
    int64_t number = 0;
    for (int64_t at = 0; at < size && heads[at] < size - at; at += 1 + heads[at], number++) {
        const int64_t length = heads[at];
        const uint8_t *behind = word(p, end, (const char *)heads + at + 1, length);
        if (behind && (behind = word(behind, end, DATA, DATA_LENGTH))) {
            *begin = behind;
            return number;
        }
    }
    return -1;
}

/* Takes pieces that are one whole event each, of a head that was met before and one line of JSON;
 * how many.  It stops in front of any other. */
int64_t inspector_core_events(struct heard *heard, const uint8_t *data, int64_t size,
                              const struct taken *in, int64_t count, const uint8_t *heads,
                              int64_t heads_size)
{
    int64_t i = 0;
    for (int64_t n = 0; n < HEADS; n++)
        heard->seen[n] = 0;
    for (; i < count; i++) {
        const struct taken *piece = in + i;
        if (piece->start < 0 || piece->stop > size || piece->stop - piece->start < 3)
            break;
        const uint8_t *p = data + piece->start, *end = data + piece->stop - 2, *begin;
        if (end[0] != '\n' || end[1] != '\n')
            break;
        const int64_t head = head_of(p, end, heads, heads_size, &begin);
        if (head < 0 || head >= HEADS)
            break;
        const uint8_t *q = begin;
        while (q < end && *q != '\n' && *q != '\r')
            q++;
        if (q < end || !is_json(begin, end))
            break;
        heard->seen[head]++;
        if (heard->last >= 0 && piece->at - heard->last > heard->longest)
            heard->longest = piece->at - heard->last;
        heard->last = piece->at;
    }
    return i;
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
        if (piece->start < 0 || piece->stop > size || piece->start > piece->stop)
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
