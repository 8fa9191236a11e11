/* What JSON is made of (RFC 8259). */
#ifndef INSPECTOR_JSON_H
#define INSPECTOR_JSON_H

#include "bytes.h"

static inline int is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

static inline const uint8_t *space(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

static inline int begins(const uint8_t *p, const uint8_t *end, const char *text, int64_t length)
{
    return end - p >= length && is_equal(p, (const uint8_t *)text, length);
}

/* Behind the bytes of a string that stand for themselves, one each: ASCII without control
 * characters, quotation marks and backslashes. */
static inline const uint8_t *plain(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 8; p += 8) {
        const uint64_t word = le64(p);
        const uint64_t other = equal(word, '"') | equal(word, '\\') | below(word, 0x20) |
                               (word & eight(0x80));
        if (other)
            return p + lowest(other);
    }
    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Bytes of the escape whose backslash is at `p`; 0: it is none, or has not ended. */
static inline int64_t escape(const uint8_t *p, const uint8_t *end)
{
    if (end - p < 2)
        return 0;
    switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return 2;
    case 'u':
        if (end - p < 6)
            return 0;
        for (int i = 2; i < 6; i++)
            if (hex_digit(p[i]) < 0)
                return 0;
        return 6;
    default:
        return 0;
    }
}

static inline const uint8_t *digits(const uint8_t *p, const uint8_t *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

/* Behind a number; 0: it is none. */
static inline const uint8_t *number(const uint8_t *p, const uint8_t *end, int *has_exponent)
{
    const uint8_t *whole = *p == '-' ? p + 1 : p, *part;
    *has_exponent = 0;
    p = digits(whole, end);
    if (p == whole || (*whole == '0' && p > whole + 1))
        return 0;
    if (p < end && *p == '.') {
        part = p + 1;
        p = digits(part, end);
        if (p == part)
            return 0;
    }
    if (p < end && (*p | 0x20) == 'e') {
        *has_exponent = 1;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        part = p;
        p = digits(part, end);
        if (p == part)
            return 0;
    }
    return p;
}

#endif
