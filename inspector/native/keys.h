/* Tables of keys, open and keyed: addresses and ports of both ends lead to a number. */
#ifndef INSPECTOR_KEYS_H
#define INSPECTOR_KEYS_H

#include "bytes.h"
#include "core.h"

static inline int same_key(const uint8_t *a, const uint8_t *b)
{
    return le64(a) == le64(b) && be32(a + 8) == be32(b + 8);
}

static inline void copy_key(uint8_t *to, const uint8_t *from)
{
    for (int i = 0; i < KEY; i++)
        to[i] = from[i];
}

static inline uint64_t rotl(uint64_t x, int by) { return x << by | x >> (64 - by); }

struct sip {
    uint64_t a, b, c, d;
};

/* Inlined, so that the four words stay in registers: the hash is most of what a packet costs. */
static inline __attribute__((always_inline)) void sip_round(struct sip *v)
{
    v->a += v->b; v->b = rotl(v->b, 13); v->b ^= v->a; v->a = rotl(v->a, 32);
    v->c += v->d; v->d = rotl(v->d, 16); v->d ^= v->c;
    v->a += v->d; v->d = rotl(v->d, 21); v->d ^= v->a;
    v->c += v->b; v->b = rotl(v->b, 17); v->b ^= v->c; v->c = rotl(v->c, 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012) of the twelve bytes of a key. */
static inline uint64_t hash(const uint64_t *seed, const uint8_t *key)
{
    uint64_t k0 = seed[0], k1 = seed[1];
    struct sip v = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                    k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    uint64_t first = le64(key);
    uint64_t rest = (uint64_t)KEY << 56 | (uint64_t)key[11] << 24 | (uint64_t)key[10] << 16 |
                    (uint64_t)key[9] << 8 | key[8];
    v.d ^= first;
    sip_round(&v);
    v.a ^= first;
    v.d ^= rest;
    sip_round(&v);
    v.a ^= rest;
    v.c ^= 0xff;
    sip_round(&v);
    sip_round(&v);
    sip_round(&v);
    return v.a ^ v.b ^ v.c ^ v.d;
}

/* The place of a key, or the free one where it belongs; -1: every place is taken by others. */
static inline int64_t place(const uint64_t *seed, const struct slot *slots, int64_t mask,
                            const uint8_t *key)
{
    int64_t at = (int64_t)(hash(seed, key) & (uint64_t)mask);
    for (int64_t tried = 0; tried <= mask; tried++) {
        if (!slots[at].value || same_key(slots[at].key, key))
            return at;
        at = (at + 1) & mask;
    }
    return -1;
}

#endif
