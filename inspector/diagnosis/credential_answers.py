"""Answers about credentials: judged, missing, in a wrong place, expired, without rights.

Data alone (`answer_row.py` says of what form).
"""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.answer_row import (
    ANTHROPIC,
    AWS,
    AZURE,
    BEDROCK,
    COHERE,
    COPILOT,
    GEMINI,
    GOOGLE,
    OPENAI,
    ROUTER,
    XAI,
    Answer,
    row,
)

_SIGV4: Final = "docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"
_LITELLM: Final = "docs.litellm.ai/docs/exception_mapping"
_LITELLM_KEYS: Final = (
    "docs.litellm.ai/docs/proxy/virtual_keys; golden captures: litellm-no-database"
)
_KONG: Final = "docs.konghq.com/hub/kong-inc/key-auth"
_RFC6750: Final = "RFC 6750 3.1"
_GIVE_KEY: Final = (
    "Give the API proxy the {provider} key ({key}) and see that it is written to {header} for"
    " {host}; another key changes nothing"
)
_SET_CLOCK: Final = (
    "Set the clock (NTP) of the machine that signs: the API proxy's host, or the client's where it"
    " signs itself; the key is not the trouble"
)
_REFRESH: Final = (
    "Let the token be refreshed (sign in again, or let the API proxy reach the token's endpoint);"
    " it was good until it expired, so that it need not be replaced"
)

#: Credentials and what was judged of them.
CREDENTIALS: Final[tuple[Answer, ...]] = (
    row(
        "aws", "clock-skew",
        r"signature expired|signature not yet current|requesttimetooskewed"
        r"|difference between the request time and the (?:current|server) time",
        "The signature's time (x-amz-date) is too far from the server's: no key was judged.",
        _SET_CLOCK, _SIGV4,
        or_else="Or the request waited for minutes between signing and sending.",
    ),
    row(
        "litellm", "proxy-refused",
        r"no_db_connection|^no connected db|litellm virtual key expected|token_not_found_in_db"
        r"|invalid proxy server token",
        "The gateway does not know the key that the agent sent: it is neither its master key nor a"
        " virtual key of its database.",
        "Let the agent send a key of the gateway's own in {header} (its master_key, or a virtual"
        " key from its database); a key of {provider}'s changes nothing", _LITELLM_KEYS,
    ),
    row(
        "google, github, azure", "clock-skew",
        r"reasonable timeframe|token used (?:too early|before issued)|jwt (?:is )?not (?:yet )?"
        r"(?:active|valid)|issued (?:at|in) the future|'issued at' claim|'expiration time' claim"
        r"|assertion is not within its valid time range|nbf.{0,20}(?:future|not yet)",
        "The token's own times (iat, nbf, exp) are not now: a clock is wrong, no key was judged.",
        _SET_CLOCK, "RFC 7519 4.1.4 to 4.1.6; developers.google.com/identity/protocols/oauth2",
    ),
    row(
        "openai", "client-header-rejected",
        r"mismatched_organization|openai-organization header should match"
        r"|invalid_organization|no such organization",
        "The client's OpenAI-Organization header, which passes through, is not that of the key.",
        "Take OpenAI-Organization out of the client (OPENAI_ORG_ID), or set it to the organization"
        " of the key; the key is good", OPENAI,
    ),
    row(
        "openai", "client-header-rejected",
        r"mismatched_project|openai-project header should match|no such project|invalid_project",
        "The client's OpenAI-Project header, which passes through, is not that of the key.",
        "Take OpenAI-Project out of the client (OPENAI_PROJECT_ID), or set it to the project of"
        " the key; the key is good", OPENAI,
    ),
    row(
        "aws", "credential-expired",
        r"expiredtoken|security token included in the request is expired",
        "The session's token (x-amz-security-token) was good and has expired.",
        _REFRESH, _SIGV4,
    ),
    row(
        "gemini", "credential-expired", r"api key expired",
        "The API key has an end, which has passed.",
        "Renew the key ({key}) at {provider}; this kind of key cannot be refreshed", GEMINI,
    ),
    row(
        "all", "credential-expired",
        r"token_expired|access_token_expired|session_expired"
        r"|credentials? (?:has |have |is )?expired"
        r"|(?:token|jwt|session|assertion|certificate) (?:has |have |is |was )?(?:already )?expired"
        r"|expired (?:access |authentication |bearer |oauth |session )?token|tokenexpired"
        r"|idx10223|aadsts700082|aadsts70043|lifetime validation failed",
        "The token was good and has expired.", _REFRESH,
        "docs.github.com (Copilot tokens live 30 min), RFC 6750 3.1 invalid_token",
    ),
    row(
        "google", "credential-in-wrong-header",
        r"access_token_type_unsupported|api keys are not supported by this api",
        "An API key came where an OAuth token is wanted (Authorization: Bearer).",
        "Let the API proxy send an API key in x-goog-api-key and only an OAuth token as"
        " Authorization: Bearer; or point {target} at a host that takes keys", GOOGLE,
        or_else="Or a bearer of another issuer was sent to {host}.",
    ),
    row(
        "google", "credential-not-received",
        r"unregistered callers|missing required authentication credential|credentials_missing"
        r"|callers without established identity",
        "No credential arrived in a header that the API reads: no key was judged.",
        _GIVE_KEY, GOOGLE,
        or_else="Or ?key= was taken off on the way and x-goog-api-key not written.",
    ),
    row(
        "anthropic", "credential-in-wrong-header",
        r"oauth authentication is (?:currently )?not (?:supported|allowed)",
        "An OAuth token came (Authorization: Bearer) where the API takes one only with its beta.",
        "Send OAuth tokens as Authorization: Bearer with anthropic-beta: oauth-2025-04-20, and API"
        " keys (sk-ant-api03-) in x-api-key", ANTHROPIC,
        or_else="Or an API key was sent as Bearer.",
    ),
    row(
        "anthropic", "upstream-forbidden",
        r"only authorized for use with claude code",
        "The OAuth token is good for Claude Code alone.",
        "Give the API proxy an API key ({key}) for clients other than Claude Code", ANTHROPIC,
    ),
    row(
        "azure", "credential-in-wrong-header",
        r"access token is missing, invalid, audience is incorrect",
        "Azure judged Authorization: Bearer, and what was there is no Entra token for it.",
        "Let the API proxy send an Azure key in api-key, not as Authorization: Bearer (a custom"
        " header name for {provider}); an Entra token needs the audience that the answer names",
        AZURE, or_else="Or neither api-key nor a token arrived, or the token has expired.",
    ),
    row(
        "azure", "credential-in-wrong-header",
        r"key[- ]based authentication is (?:disabled|not permitted)|authenticationtypedisabled",
        "A key came where the resource takes only Entra tokens.",
        "Give the API proxy an Entra token (workload identity), or enable local authentication for"
        " the resource {host}", AZURE,
    ),
    row(
        "azure", "credential-not-received", r"missing subscription key",
        "No api-key (Ocp-Apim-Subscription-Key) arrived: no key was judged.",
        "Let the API proxy write the key to api-key for {host}: Azure does not read {header};"
        " another key changes nothing", AZURE,
    ),
    row(
        "azure", "upstream-rejected-credential",
        r"invalid subscription key or wrong api endpoint",
        "The key is not one of this resource.",
        "Compare the key that the API proxy holds ({key}) with the resource {host}: a key of"
        " another resource or region is refused alike", AZURE,
    ),
    row(
        "copilot", "credential-in-wrong-header",
        r"personal access tokens are not supported",
        "The token is of a kind that this endpoint does not take.",
        "Give the API proxy a token that Copilot takes (OAuth, gho_ or ghu_; or a fine-grained one"
        " with Copilot Requests) in {key}", COPILOT,
    ),
    row(
        "copilot", "wrong-auth-scheme",
        r"badly formatted|authorization scheme|unsupported authentication scheme"
        r"|auth header format should be|incompletesignature|must be in the format.{0,20}bearer",
        "The API cannot read the Authorization header: its scheme is another.",
        "Look at which scheme the API proxy takes for {host}: Bearer, or token for GHE", COPILOT,
        (400, 401, 403),
    ),
    row(
        "openai", "credential-in-wrong-header",
        r"authentication token is not from a valid issuer",
        "A token of another issuer (a ChatGPT sign-in) came where an API key is wanted.",
        "Give the API proxy an API key ({key}); a ChatGPT token is for chatgpt.com alone", OPENAI,
    ),
    row(
        "openai", "upstream-forbidden",
        r"missing scopes|insufficient permissions for this operation",
        "The key is good and restricted: it lacks the scope that the answer names.",
        "Give the key ({key}) the permission that the answer names, or use one without"
        " restrictions", OPENAI,
    ),
    row(
        "aws", "upstream-rejected-credential",
        r"unrecognizedclient|invalidclienttokenid"
        r"|security token included in the request is invalid",
        "The access key is none that AWS knows in this region or partition.",
        "Check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN of whoever signs, and the region in {host}",
        AWS,
    ),
    row(
        "aws", "upstream-rejected-credential",
        r"signature we calculated does not match|signaturedoesnotmatch",
        "The signature does not fit the request.",
        "Check AWS_SECRET_ACCESS_KEY of whoever signs; where the client signs itself, call the"
        " host that it signed for, since a proxy that rewrites Host or body breaks a signature",
        _SIGV4, or_else="Or Host, path or body were changed after signing.",
    ),
    row(
        "aws", "credential-not-received", r"missing ?authentication ?token|missing authorization",
        "No signature arrived (Authorization: AWS4-HMAC-SHA256): no key was judged.",
        "Let the API proxy sign calls to {host} (SigV4), or give it a Bedrock API key; another key"
        " changes nothing", AWS,
        or_else="Or {host} is an API gateway, which answers so to a path that it does not have.",
    ),
    row(
        "aws", "model-refused",
        r"don't have access to the model with the specified|model access is denied"
        r"|use case details have not been submitted",
        "The account has no access to the model.",
        "Ask for access to the model in Bedrock's console, in the region of {host}; the key is"
        " good", BEDROCK,
    ),
    row(
        "aws", "upstream-forbidden",
        r"not authorized to perform|explicit deny in a|no identity-based policy",
        "The key is good; a policy of IAM does not allow the action that the answer names.",
        "Add the action that the answer names to the IAM policy of the role or user that signs"
        " (look also at service control policies)", AWS,
    ),
    row(
        "openai, xai, groq, deepseek", "upstream-rejected-credential",
        r"invalid_api_key|incorrect api key|invalid api key|api_key_invalid|api key not valid"
        r"|api key not found|api key is (?:invalid|not valid)|make sure your api key is valid"
        r"|revoked|no such user|user not found|bad credentials",
        "The key was read, and is none that the API knows.",
        "Check the key that the API proxy holds ({key}), not the agent's placeholder", OPENAI,
        (400, 401, 403),
    ),
    row(
        "openai, anthropic, openrouter, xai, cohere, kong, litellm, envoy",
        "credential-not-received",
        r"missing bearer|didn't provide an api key|no (?:cookie )?auth(?:entication)? credentials"
        r"|no api[ _-]?key|api[ _-]?key.{0,30}(?:is required|is missing|required but|not provided"
        r"|missing|was not provided)|x-api-key header is required|(?:missing|no|without)"
        r" (?:an? |the |required |valid )?(?:\S{1,24} )?(?:authentication"
        r"|authorization|api[ _-]?key"
        r"|bearer|credentials?|auth(?:entication)? (?:header|token)|access token)"
        r"|(?:authorization|authentication)(?: header)?(?: is)? (?:missing|required|not provided"
        r"|not found)|requires authentication|jwt is missing|not authenticated"
        r"|no credentials found|must provide an api key",
        "No credential arrived in a header that whoever answered reads: no key was judged.",
        _GIVE_KEY, f"{OPENAI}; {ANTHROPIC}; {ROUTER}; {_KONG}; {_LITELLM}; {XAI}; {COHERE}",
        (400, 401, 403, 407),
        or_else="Or the key is written to another header than {host} reads.",
    ),
    row(
        "any (RFC 6750)", "upstream-rejected-credential",
        r"invalid_token|invalid bearer|invalid x-api-key|invalid authentication|token is invalid",
        "The credential was read, and is not accepted.",
        "Check the credential that the API proxy holds for {host} ({key}), not the agent's"
        " placeholder", _RFC6750, (401, 403),
    ),
)  # fmt: skip
