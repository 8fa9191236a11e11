/* The table of tokens that stay as they are in a copy: names, numbers, values. */
#ifndef INSPECTOR_KNOWN_H
#define INSPECTOR_KNOWN_H

#include "bytes.h"
#include "core.h"

enum { PROBES = 8, LARGEST = 1 << 20 };

static inline uint64_t mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static inline uint64_t place_of(const struct known *known, uint8_t kind, const uint8_t *text,
                                int64_t length)
{
    uint64_t hash = mixed(known->seed, (uint64_t)kind << 32 | (uint64_t)length);
    for (; length >= 8; length -= 8, text += 8)
        hash = mixed(hash, le64(text));
    uint64_t rest = 0;
    for (int64_t i = 0; i < length; i++)
        rest = rest << 8 | text[i];
    return mixed(hash, rest) >> 20;
}

static inline int same(const struct known_token *token, uint8_t kind, const uint8_t *text,
                       int64_t length)
{
    if (token->kind != kind || token->length != length)
        return 0;
    for (int64_t i = 0; i < length; i++)
        if (token->text[i] != text[i])
            return 0;
    return 1;
}

static inline int has_tokens(const struct known *known)
{
    return known->tokens && known->mask >= 0 && known->mask < LARGEST;
}

/* The token that is known to stay as it is; 0: it is not. */
static inline const struct known_token *find(const struct known *known, uint8_t kind,
                                             const uint8_t *text, int64_t length)
{
    if (length > KNOWN_TEXT || !has_tokens(known))
        return 0;
    const uint64_t at = place_of(known, kind, text, length);
    for (uint64_t i = 0; i < PROBES; i++) {
        const struct known_token *token = known->tokens + ((at + i) & (uint64_t)known->mask);
        if (!token->kind)
            return 0;
        if (same(token, kind, text, length))
            return token;
    }
    return 0;
}

#endif
