/* Bodies in a copy, as far as they are the same in nearly every one: what `redaction/bodies.py` and
 * `redaction/event_bodies.py` do, which specify it and go on where this stops.
 *
 * Of JSON (RFC 8259) stay punctuation, literals, short numbers, and names and values that are known
 * to stay; other strings are blanked.  A walk stops in front of a token that Python has to look at:
 * one that is not known, that may hold a placeholder, that is no JSON, that has not ended. */
#include "bytes.h"
#include "core.h"
#include "json.h"
#include "known.h"

/* -- strings --------------------------------------------------------------------------------- */

/* `redaction/blanks.py:SIGNS`: one of these stands in all that is not blanked within a string. */
static int is_sign(const uint8_t *p, const uint8_t *end)
{
    switch (*p) {
    case 'p': return begins(p, end, "placeholder", 11);
    case 'g': return begins(p, end, "ghu_aaaa", 8);
    default: return begins(p, end, "ERR_", 4);
    }
}

/* Which bytes of a string need a look: controls, the quotation mark, the backslash, those that may
 * begin a sign, those beyond ASCII. */
static const uint8_t LOOK[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0x00 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x20 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x40 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x60 */
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0x80 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

/* The quotation mark that ends a string whose first byte is at `p`; 0: none does, or the string is
 * none.  `*has_sign`: whether something in it may be no text. */
static const uint8_t *end_of(const uint8_t *p, const uint8_t *end, int *has_sign)
{
    *has_sign = 0;
    while (p < end) {
        int64_t length = 1;
        if (!LOOK[*p]) {
            p++;
            continue;
        }
        if (*p == '"')
            return p;
        if (*p < 0x20)
            return 0;
        if (*p == '\\')
            length = escape(p, end);
        else if (*p >= 0x80)
            length = character(p, end);
        else
            *has_sign |= is_sign(p, end);
        if (!length)
            return 0;
        p += length;
    }
    return 0;
}

/* How far text of a string goes from `from` on: to its end, to what may not stand in it, or to an
 * escape that is cut (`protocols/json_tokens.py:_STRING`). */
int64_t inspector_core_string(const uint8_t *data, int64_t size, int64_t from)
{
    int64_t at = from;
    if (at < 0)
        return from;
    while (at < size) {
        if (at <= size - 8) {
            const uint64_t word = le64(data + at);
            const uint64_t found = below(word, 0x20) | equal(word, '"') | equal(word, '\\');
            if (!found) {
                at += 8;
                continue;
            }
            at += lowest(found);
        }
        int64_t length = 1;
        if (data[at] == '"' || data[at] < 0x20)
            return at;
        if (data[at] == '\\' && !(length = escape(data + at, data + size)))
            return at;
        at += length;
    }
    return at;
}

/* -- documents ------------------------------------------------------------------------------- */

struct text {
    const uint8_t *data, *end;
    uint8_t *out; /* as long */
    int is_whole; /* nothing comes behind it */
};

/* `protocols/json_tokens.py:_Expects`. */
enum { VALUE, FIRST_ITEM, FIRST_NAME, NAME, COLON, NEXT, NOTHING };
enum { SHORT_NUMBER = 12 }; /* a shorter one without an exponent is no piece of a key */

static void blank(struct json *json, const struct text *text, const uint8_t *p, const uint8_t *end)
{
    uint8_t *out = text->out + (p - text->data), other = 0;
    for (const uint8_t *q = p; q < end; q++)
        other |= *q ^ 'x';
    for (; p < end; p++)
        *out++ = 'x';
    json->changed |= other != 0;
}

/* Whether the innermost bracket, which there is, is an array's. */
static int is_in_array(const struct json *json)
{
    return json->names[json->depth - 1] == AN_ARRAY;
}

static void end_value(struct json *json) { json->expects = json->depth ? NEXT : NOTHING; }

static int is_letter(uint8_t byte)
{
    return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_' || byte == '$' ||
           byte == '@';
}

enum { LONGEST_NAME = 40 };

/* `redaction/body_grants.py:NAME`. */
static int is_name(const uint8_t *p, const uint8_t *end)
{
    if (p == end || end - p > LONGEST_NAME || !is_letter(*p))
        return 0;
    for (p++; p < end; p++)
        if (!is_letter(*p) && !is_digit(*p) && *p != '.' && *p != '-')
            return 0;
    return 1;
}

/* The name of a member, without its quotes; 0: Python has to look at it. */
static int take_name(struct json *json, const struct known *known, const struct text *text,
                     const uint8_t *p, const uint8_t *end, int has_sign)
{
    const struct known_token *token = find(known, KNOWN_NAME, p, end - p);
    if (!token && (has_sign || is_name(p, end)))
        return 0;
    if (!token)
        blank(json, text, p, end);
    json->names[json->depth - 1] = token ? token->meaning : 0;
    json->expects = COLON;
    return 1;
}

/* The same of a string. */
static int take_string(struct json *json, const struct known *known, const struct text *text,
                       const uint8_t *p, const uint8_t *end, int has_sign)
{
    int64_t at = json->depth - 1;
    uint8_t meaning = at < 0 ? 0 : json->names[at];
    if (meaning == AN_ARRAY)
        meaning = at < 1 ? 0 : json->names[at - 1];
    if (meaning > 0 && meaning <= json->granted) {
        if (!find(known, (uint8_t)(KNOWN_VALUE + meaning), p, end - p))
            return 0;
        end_value(json);
        return 1;
    }
    while (at > 0 && json->names[at] == AN_ARRAY)
        at--;
    meaning = at < 0 ? 0 : json->names[at];
    if (has_sign || (json->answers && meaning > json->granted && meaning <= json->texts))
        return 0;
    blank(json, text, p, end);
    end_value(json);
    return 1;
}

/* Behind a number; 0: it is none, or has an exponent and may be a key. */
static const uint8_t *take_number(const struct known *known, const uint8_t *p, const uint8_t *end)
{
    int has_exponent;
    const uint8_t *behind = number(p, end, &has_exponent);
    if (!behind)
        return 0;
    if (behind < end && (*behind == '-' || *behind == '+' || *behind == '.' ||
                         (*behind | 0x20) == 'e'))
        return 0;
    if ((has_exponent || behind - p >= SHORT_NUMBER) &&
        !find(known, KNOWN_NUMBER, p, behind - p))
        return 0;
    return behind;
}

static const uint8_t *literal(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *behind = p;
    if (begins(p, end, "true", 4) || begins(p, end, "null", 4))
        behind = p + 4;
    else if (begins(p, end, "false", 5))
        behind = p + 5;
    return behind == p || (behind < end && *behind >= 'a' && *behind <= 'z') ? 0 : behind;
}

/* Behind a string, a number or a literal; 0: Python has to look at it. */
static const uint8_t *take_text(struct json *json, const struct known *known,
                                const struct text *text, const uint8_t *p)
{
    const int is_value = json->expects == VALUE || json->expects == FIRST_ITEM;
    const uint8_t *behind;
    if (*p == '"') {
        int has_sign;
        behind = end_of(p + 1, text->end, &has_sign);
        if (!behind)
            return 0;
        if (is_value)
            return take_string(json, known, text, p + 1, behind, has_sign) ? behind + 1 : 0;
        if (json->expects != NAME && json->expects != FIRST_NAME)
            return 0;
        return take_name(json, known, text, p + 1, behind, has_sign) ? behind + 1 : 0;
    }
    if (!is_value)
        return 0;
    behind = *p == '-' || is_digit(*p) ? take_number(known, p, text->end) : literal(p, text->end);
    if (!behind || (behind == text->end && !text->is_whole))
        return 0;
    end_value(json);
    return behind;
}

/* Takes tokens from `p` on; behind the last, and the white space that follows. */
static const uint8_t *take_tokens(struct json *json, const struct known *known,
                                  const struct text *text, const uint8_t *p)
{
    for (;;) {
        p = space(p, text->end);
        if (p == text->end)
            return p;
        const int64_t expects = json->expects;
        switch (*p) {
        case '{': case '[':
            if ((expects != VALUE && expects != FIRST_ITEM) || json->depth >= JSON_DEPTH)
                return p;
            json->names[json->depth++] = *p == '[' ? AN_ARRAY : 0;
            json->expects = *p == '[' ? FIRST_ITEM : FIRST_NAME;
            break;
        case '}': case ']':
            if ((expects != NEXT && expects != (*p == ']' ? FIRST_ITEM : FIRST_NAME)) ||
                is_in_array(json) != (*p == ']'))
                return p;
            json->depth--;
            end_value(json);
            break;
        case ',':
            if (expects != NEXT)
                return p;
            json->expects = is_in_array(json) ? VALUE : NAME;
            break;
        case ':':
            if (expects != COLON)
                return p;
            json->expects = VALUE;
            break;
        default: {
            const uint8_t *behind = take_text(json, known, text, p);
            if (!behind)
                return p;
            p = behind;
            continue;
        }
        }
        p++;
    }
}

/* Whether the walk is where one can be: all but the document itself is in a bracket. */
static int is_sound(const struct json *json)
{
    return json->depth > 0 ? json->depth <= JSON_DEPTH
                           : !json->depth && (json->expects == VALUE || json->expects == NOTHING);
}

/* Takes tokens of a document that goes on in `data` from `from` on; how far, with the white space
 * behind the last one.  What lies in `out`, a copy of `data`, before that is blanked. */
int64_t inspector_core_mask_json(struct json *json, const struct known *known, const uint8_t *data,
                                 int64_t size, int64_t from, uint8_t *out)
{
    if (from < 0 || from > size || !is_sound(json))
        return from;
    const struct text text = {data, data + size, out, 0};
    return take_tokens(json, known, &text, data + from) - data;
}

/* -- events ---------------------------------------------------------------------------------- */

/* Where the value of a field begins, behind one space; 0: the line is another field's. */
static const uint8_t *value_of(const uint8_t *p, const uint8_t *end, const char *name,
                               int64_t length)
{
    if (!begins(p, end, name, length))
        return 0;
    p += length;
    return p < end && *p == ' ' ? p + 1 : p;
}

/* Behind the end of a line that is there; 0: none is, or it may go on. */
static const uint8_t *line_end(const uint8_t *p, const uint8_t *end)
{
    if (p < end && *p == '\n')
        return p + 1;
    return end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? p + 2 : 0;
}

/* Whether the data of an event is one document that is known, or that the stream is done. */
static int take_data(struct json *json, const struct known *known, const struct text *text,
                     const uint8_t *p, const uint8_t *end)
{
    if (end - p == 6 && begins(p, end, "[DONE]", 6))
        return 1;
    const struct text line = {text->data, end, text->out, 1};
    json->expects = VALUE;
    json->depth = 0;
    return take_tokens(json, known, &line, p) == end && json->expects == NOTHING;
}

/* Behind an event with an empty line at its end; 0: it is not like most. */
static const uint8_t *take_event(struct json *json, const struct known *known,
                                 const struct text *text, const uint8_t *p)
{
    const uint8_t *end = text->end, *value, *behind;
    int has_name = 0, has_data = 0;
    do {
        const uint8_t *stop = p;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        behind = line_end(stop, end);
        if (!behind)
            return 0;
        if ((value = value_of(p, stop, "data:", 5))) {
            if (has_data++ || !take_data(json, known, text, value, stop))
                return 0;
        } else if ((value = value_of(p, stop, "event:", 6))) {
            if (has_name++ || !find(known, KNOWN_EVENT, value, stop - value))
                return 0;
        } else {
            return 0;
        }
        p = behind;
        behind = line_end(p, end);
    } while (!behind);
    return behind;
}

/* Takes events from `from` on, and the ends of lines before each; how far.  As `mask_json`, but what
 * lies in `out` behind that may be blanked, too. */
int64_t inspector_core_mask_events(struct json *json, const struct known *known,
                                   const uint8_t *data, int64_t size, int64_t from, uint8_t *out)
{
    if (from < 0 || from > size)
        return from;
    const struct text text = {data, data + size, out, 0};
    const uint8_t *p = data + from;
    for (;;) {
        while (p < text.end && (*p == '\n' || *p == '\r'))
            p++;
        const int64_t changed = json->changed;
        const uint8_t *behind = take_event(json, known, &text, p);
        if (!behind) {
            json->changed = changed;
            return p - data;
        }
        p = behind;
    }
}
