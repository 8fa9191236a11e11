/* Event streams, as far as their events have nothing to tell: what `protocols/sse.py` does, which
 * specifies it and goes on where this stops.  Pieces are places in `data`: `start` to `stop`, with
 * the packet that brought them. */
#include "bytes.h"
#include "core.h"
#include "json.h"

/* Behind a string whose quotation mark is at `p`; 0: it is none, or holds half a character beyond
 * the first plane. */
static const uint8_t *string(const uint8_t *p, const uint8_t *end)
{
    int64_t length;
    for (p = plain(p + 1, end); p < end; p = plain(p + length, end)) {
        if (*p == '"')
            return p + 1;
        length = *p == '\\' ? escape(p, end) : *p >= 0x80 ? character(p, end) : 0;
        if (!length)
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

/* Behind one JSON value (RFC 8259), and what space is before it; 0: there is none, which may be
 * wrong. */
static const uint8_t *value(const uint8_t *p, const uint8_t *end)
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
        if (!depth)
            return p;
        p = space(p, end);
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

static int is_json(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *behind = value(p, end);
    return behind && space(behind, end) == end;
}

/* A member of an object: its name and its value. */
struct member {
    const uint8_t *name, *value, *behind;
    int64_t length;
};

/* Behind the member at `p`; 0: there is none, or its name is written with escapes. */
static const uint8_t *member(const uint8_t *p, const uint8_t *end, struct member *found)
{
    p = space(p, end);
    if (p >= end || *p != '"')
        return 0;
    found->name = p + 1;
    if (!(p = string(p, end)))
        return 0;
    found->length = p - 1 - found->name;
    for (int64_t i = 0; i < found->length; i++)
        if (found->name[i] == '\\')
            return 0;
    p = space(p, end);
    if (p >= end || *p != ':')
        return 0;
    found->value = space(p + 1, end);
    return found->behind = value(found->value, end);
}

static int is_called(const struct member *member, const char *name, int64_t length)
{
    return member->length == length && begins(member->name, member->behind, name, length);
}

static int is_null(const struct member *member)
{
    return begins(member->value, member->behind, "null", 4);
}

static const uint8_t *plain_choice(const uint8_t *p, const uint8_t *end);

/* Whether a member of a chunk may be there of one that is plain; of its choices, that it is one. */
static int is_plain_member(const struct member *each, int64_t *choices)
{
    if (is_called(each, "error", 5) || is_called(each, "type", 4))
        return 0;
    if (is_called(each, "usage", 5))
        return is_null(each);
    if (!is_called(each, "choices", 7))
        return 1;
    ++*choices;
    return plain_choice(each->value, each->behind) == each->behind;
}

/* Behind an object that tells nothing but a piece of an answer: a chunk, or (`choices` is 0) a choice
 * in it; 0: it may tell more.  `protocols/api.py:is_plain_chunk`. */
static const uint8_t *plain_object(const uint8_t *p, const uint8_t *end, int64_t *choices)
{
    struct member each;
    if (p >= end || *p != '{')
        return 0;
    do {
        if (!(p = member(p + 1, end, &each)))
            return 0;
        if (choices ? !is_plain_member(&each, choices)
                    : is_called(&each, "finish_reason", 13) && !is_null(&each))
            return 0;
        p = space(p, end);
    } while (p < end && *p == ',');
    return p < end && *p == '}' ? p + 1 : 0;
}

/* Behind an array of one choice that has not finished; 0: it is another. */
static const uint8_t *plain_choice(const uint8_t *p, const uint8_t *end)
{
    if (p >= end || *p != '[' || !(p = plain_object(space(p + 1, end), end, 0)))
        return 0;
    p = space(p, end);
    return p < end && *p == ']' ? p + 1 : 0;
}

static int is_plain_chunk(const uint8_t *p, const uint8_t *end)
{
    int64_t choices = 0;
    return plain_object(p, end, &choices) == end && choices == 1;
}

static const char DATA[] = "\ndata: ";
enum { DATA_LENGTH = sizeof DATA - 1 };

/* Which of the heads (a length, a text, one behind another) begins an event that goes on with data;
 * -1: none.  `*data` is where that begins. */
static int64_t head_of(const uint8_t *p, const uint8_t *end, const uint8_t *heads, int64_t size,
                       const uint8_t **begin)
{
    int64_t head = 0;
    for (int64_t at = 0; at < size && heads[at] < size - at; at += 1 + heads[at], head++) {
        const int64_t length = heads[at];
        const uint8_t *behind = word(p, end, (const char *)heads + at + 1, length);
        if (behind && (behind = word(behind, end, DATA, DATA_LENGTH))) {
            *begin = behind;
            return head;
        }
    }
    return -1;
}

/* The head of an event of one line of JSON; HEADS: it has none, and is a plain chunk; -1: it may be
 * any other. */
static int64_t kind_of(const struct heard *heard, const uint8_t *p, const uint8_t *end,
                       const uint8_t *heads, int64_t size)
{
    const uint8_t *begin = p;
    int64_t head = head_of(p, end, heads, size, &begin);
    if (head < 0 && heard->reads_plain && (begin = word(p, end, DATA + 1, DATA_LENGTH - 1)))
        head = HEADS;
    if (head < 0 || head > HEADS)
        return -1;
    if (either(begin, end, '\n', '\r') < end)
        return -1;
    return (head < HEADS ? is_json(begin, end) : is_plain_chunk(begin, end)) ? head : -1;
}

enum { TOGETHER = 64 };

/* Whether the piece behind this one begins where this one ends. */
static int goes_on(const struct taken *piece, int64_t size)
{
    return piece[1].start == piece->stop && is_within(piece + 1, size);
}

/* Takes pieces that lie one behind another, up to the first with which an event ends; how many.  0:
 * what begins with the first has something to tell, or is not all there. */
static int64_t take_together(struct heard *heard, const uint8_t *data, int64_t size,
                             const struct taken *in, int64_t count, const uint8_t *heads,
                             int64_t heads_size)
{
    int64_t kinds[TOGETHER], events = 0, last = 0;
    if (!is_within(in, size))
        return 0;
    int64_t begin = in->start, p;
    do {
        for (p = begin;;) {
            const int64_t before = in[last].stop - 1; /* its last byte */
            if (p < before)
                p = either(data + p, data + before, '\n', '\n') - data;
            if (p < before) {
                if (data[p + 1] == '\n')
                    break;
                p++;
            } else if (last + 1 < count && goes_on(in + last, size))
                last++;
            else
                return 0;
        }
        const int64_t kind = kind_of(heard, data + begin, data + p, heads, heads_size);
        if (kind < 0 || events >= TOGETHER)
            return 0;
        kinds[events++] = kind;
        begin = p + 2;
    } while (begin < in[last].stop);
    for (int64_t i = 0; i < events; i++)
        heard->seen[kinds[i]]++;
    for (int64_t i = 0; i <= last; i++) {
        if (heard->last >= 0 && in[i].at - heard->last > heard->longest)
            heard->longest = in[i].at - heard->last;
        heard->last = in[i].at;
    }
    return last + 1;
}

/* Takes pieces that are whole events, each of a head that was met before and one line of JSON, or a
 * plain chunk of an answer; how many.  It stops in front of any other. */
int64_t inspector_core_events(struct heard *heard, const uint8_t *data, int64_t size,
                              const struct taken *in, int64_t count, const uint8_t *heads,
                              int64_t heads_size)
{
    int64_t i = 0, taken;
    for (int64_t n = 0; n <= HEADS; n++)
        heard->seen[n] = 0;
    while (i < count &&
           (taken = take_together(heard, data, size, in + i, count - i, heads, heads_size)))
        i += taken;
    return i;
}
