/* Numbers in bytes, big-endian as on the wire, or little-endian, and characters.  Spelt out, so that
 * the compiler sees one load in each number. */
#ifndef INSPECTOR_BYTES_H
#define INSPECTOR_BYTES_H

#include <stdint.h>

static inline uint32_t be16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t le64(const uint8_t *p)
{
    return (uint64_t)p[7] << 56 | (uint64_t)p[6] << 48 | (uint64_t)p[5] << 40 |
           (uint64_t)p[4] << 32 | (uint64_t)p[3] << 24 | (uint64_t)p[2] << 16 |
           (uint64_t)p[1] << 8 | p[0];
}

/* What a digit stands for; -1: it is none. */
static inline int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Bytes of the character beyond ASCII that begins here (RFC 3629 4); 0: there is none. */
static inline int64_t character(const uint8_t *p, const uint8_t *end)
{
    const uint8_t first = p[0];
    const int64_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || end - p < length)
        return 0;
    /* No longer form than it needs, no half of a pair, nothing beyond the last plane. */
    const uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < least || p[1] > most)
        return 0;
    for (int64_t i = 2; i < length; i++)
        if (p[i] >> 6 != 2)
            return 0;
    return length;
}

static inline void put_le64(uint8_t *p, uint64_t value)
{
    p[0] = (uint8_t)value, p[1] = (uint8_t)(value >> 8), p[2] = (uint8_t)(value >> 16),
    p[3] = (uint8_t)(value >> 24), p[4] = (uint8_t)(value >> 32), p[5] = (uint8_t)(value >> 40),
    p[6] = (uint8_t)(value >> 48), p[7] = (uint8_t)(value >> 56);
}

/* By words: bytes that lie elsewhere. */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, int64_t length)
{
    int64_t i = 0;
    for (; i <= length - 8; i += 8)
        put_le64(to + i, le64(from + i));
    for (; i < length; i++)
        to[i] = from[i];
}

/* A word of eight times the same byte. */
static inline uint64_t eight(uint8_t byte) { return byte * UINT64_C(0x0101010101010101); }

/* The highest bit of the lowest of eight bytes that is less than `limit`, which is 0x80 at most, and
 * perhaps of some above it; 0: none is (Warren, Hacker's Delight 6-1). */
static inline uint64_t below(uint64_t word, uint8_t limit)
{
    return (word - eight(limit)) & ~word & eight(0x80);
}

/* The same of a byte that is equal. */
static inline uint64_t equal(uint64_t word, uint8_t byte) { return below(word ^ eight(byte), 1); }

/* A word whose letters of ASCII are in lower case. */
static inline uint64_t in_lower_case(uint64_t word)
{
    const uint64_t seven = word & eight(0x7F);
    const uint64_t capital = (seven + eight(0x80 - 'A')) & ~(seven + eight(0x7F - 'Z'));
    return word | (capital & ~word & eight(0x80)) >> 2;
}

/* Which byte the lowest bit of a word stands in; there must be one. */
static inline int64_t lowest(uint64_t bits) { return __builtin_ctzll(bits) >> 3; }

/* The first of two bytes; `end`: neither is there. */
static inline const uint8_t *either(const uint8_t *p, const uint8_t *end, uint8_t a, uint8_t b)
{
    for (; end - p >= 8; p += 8) {
        const uint64_t found = equal(le64(p), a) | equal(le64(p), b);
        if (found)
            return p + lowest(found);
    }
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}

/* Whether two stretches are equal. */
static inline int is_equal(const uint8_t *a, const uint8_t *b, int64_t length)
{
    int64_t i = 0;
    for (; i <= length - 8; i += 8)
        if (le64(a + i) != le64(b + i))
            return 0;
    for (; i < length; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

#endif
