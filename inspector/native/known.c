/* Tokens are known from when Python decided that they stay: `credentials/masking.py:Masker`. */
#include "known.h"

/* Know a token from now on, in the place of another one where there are too many; 1: it is. */
int64_t inspector_core_know(const struct known *known, int64_t kind, int64_t meaning,
                            const uint8_t *text, int64_t length)
{
    if (kind < 1 || kind > 255 || meaning < 0 || meaning >= AN_ARRAY || length < 0 ||
        length > KNOWN_TEXT || !has_tokens(known))
        return 0;
    const uint64_t at = place_of(known, (uint8_t)kind, text, length);
    struct known_token *token = 0;
    for (uint64_t i = 0; i < PROBES; i++) {
        token = known->tokens + ((at + i) & (uint64_t)known->mask);
        if (!token->kind || same(token, (uint8_t)kind, text, length))
            break;
        token = known->tokens + (at & (uint64_t)known->mask);
    }
    token->kind = (uint8_t)kind;
    token->meaning = (uint8_t)meaning;
    token->length = (uint8_t)length;
    for (int64_t i = 0; i < length; i++)
        token->text[i] = text[i];
    return 1;
}
