"""Words that APIs and gateways answer with: what they mean, what to do, where they are documented.

Data alone; `answers.py` reads it.  The first row that matches an answer is its own, so that what
is narrow stands before what is wide.  A row without a document behind it names the program whose
answer it is.  Patterns match type, code and message of the error, folded to lower case and joined
by single spaces; `.{0,N}` bounds what may stand between two words of one sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import Pattern
from typing import Final

from inspector.model.conclusions import FindingCode


@dataclass(frozen=True, slots=True)
class Answer:
    """Words that are known, and what follows from them."""

    #: Whose words they are.
    of: str
    #: The finding that they make.
    code: FindingCode
    #: Found in type, code and message of the error.
    says: Pattern[str]
    #: What they mean, as a sentence.
    meaning: str
    #: What to do.  Names in braces are those of `answers.FIELDS`.
    advice: str
    #: Where this is documented, or was seen.
    source: str
    #: With which statuses; empty: with any.
    statuses: frozenset[int] = frozenset()
    #: What else it could be, as a sentence.
    or_else: str = ""


_OPENAI: Final = "platform.openai.com/docs/guides/error-codes"
_ANTHROPIC: Final = "docs.claude.com/en/api/errors"
_GEMINI: Final = "ai.google.dev/gemini-api/docs/troubleshooting"
_GOOGLE: Final = "cloud.google.com/apis/docs/system-parameters, google.rpc.ErrorInfo reasons"
_AZURE: Final = "learn.microsoft.com/azure/ai-services/openai/reference"
_AWS: Final = "docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html"
_BEDROCK: Final = (
    "docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html"
)
_SIGV4: Final = "docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"
_COPILOT: Final = "api.githubcopilot.com, as public issues of its clients quote it"
_ROUTER: Final = "openrouter.ai/docs/api-reference/errors"
_LITELLM: Final = "docs.litellm.ai/docs/exception_mapping"
_MISTRAL: Final = "docs.mistral.ai/api"
_GROQ: Final = "console.groq.com/docs/errors"
_COHERE: Final = "docs.cohere.com/reference/errors"
_XAI: Final = "docs.x.ai/docs/key-information/debugging"
_KONG: Final = "docs.konghq.com/hub/kong-inc/key-auth"
_AWF: Final = "the firewall's API proxy, measured"
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
_OTHER_MODEL: Final = "Ask for a model that {host} lists (GET /v1/models); key and path are good"
_ACCESS_TO_MODEL: Final = (
    "Have the model enabled for this account at {provider}, or ask for one that is; the key is good"
)
_ASK_LESS: Final = "Wait as long as retry-after says; spread the calls or ask for a higher limit"
_PAY: Final = (
    "Add credit, or raise the spending limit, of the {provider} account that owns {key}; waiting"
    " alone does not help"
)
_REGION: Final = (
    "Let Squid leave by an address in a country that {provider} serves; the key was not judged"
)


def _row(
    of: str,
    code: FindingCode,
    says: str,
    meaning: str,
    advice: str,
    source: str,
    statuses: tuple[int, ...] = (),
    or_else: str = "",
) -> Answer:
    return Answer(of, code, re.compile(says), meaning, advice, source, frozenset(statuses), or_else)


#: Credentials and what was judged of them.
_CREDENTIALS: Final[tuple[Answer, ...]] = (
    _row(
        "aws", "clock-skew",
        r"signature expired|signature not yet current|requesttimetooskewed"
        r"|difference between the request time and the (?:current|server) time",
        "The signature's time (x-amz-date) is too far from the server's: no key was judged.",
        _SET_CLOCK, _SIGV4,
        or_else="Or the request waited for minutes between signing and sending.",
    ),
    _row(
        "google, github, azure", "clock-skew",
        r"reasonable timeframe|token used (?:too early|before issued)|jwt (?:is )?not (?:yet )?"
        r"(?:active|valid)|issued (?:at|in) the future|'issued at' claim|'expiration time' claim"
        r"|assertion is not within its valid time range|nbf.{0,20}(?:future|not yet)",
        "The token's own times (iat, nbf, exp) are not now: a clock is wrong, no key was judged.",
        _SET_CLOCK, "RFC 7519 4.1.4 to 4.1.6; developers.google.com/identity/protocols/oauth2",
    ),
    _row(
        "openai", "client-header-rejected",
        r"mismatched_organization|openai-organization header should match"
        r"|invalid_organization|no such organization",
        "The client's OpenAI-Organization header, which passes through, is not that of the key.",
        "Take OpenAI-Organization out of the client (OPENAI_ORG_ID), or set it to the organization"
        " of the key; the key is good", _OPENAI,
    ),
    _row(
        "openai", "client-header-rejected",
        r"mismatched_project|openai-project header should match|no such project|invalid_project",
        "The client's OpenAI-Project header, which passes through, is not that of the key.",
        "Take OpenAI-Project out of the client (OPENAI_PROJECT_ID), or set it to the project of"
        " the key; the key is good", _OPENAI,
    ),
    _row(
        "aws", "credential-expired",
        r"expiredtoken|security token included in the request is expired",
        "The session's token (x-amz-security-token) was good and has expired.",
        _REFRESH, _SIGV4,
    ),
    _row(
        "gemini", "credential-expired", r"api key expired",
        "The API key has an end, which has passed.",
        "Renew the key ({key}) at {provider}; this kind of key cannot be refreshed", _GEMINI,
    ),
    _row(
        "all", "credential-expired",
        r"token_expired|access_token_expired|session_expired"
        r"|credentials? (?:has |have |is )?expired"
        r"|(?:token|jwt|session|assertion|certificate) (?:has |have |is |was )?(?:already )?expired"
        r"|expired (?:access |authentication |bearer |oauth |session )?token|tokenexpired"
        r"|idx10223|aadsts700082|aadsts70043|lifetime validation failed",
        "The token was good and has expired.", _REFRESH,
        "docs.github.com (Copilot tokens live 30 min), RFC 6750 3.1 invalid_token",
    ),
    _row(
        "google", "credential-in-wrong-header",
        r"access_token_type_unsupported|api keys are not supported by this api",
        "An API key came where an OAuth token is wanted (Authorization: Bearer).",
        "Let the API proxy send an API key in x-goog-api-key and only an OAuth token as"
        " Authorization: Bearer; or point {target} at a host that takes keys", _GOOGLE,
        or_else="Or a bearer of another issuer was sent to {host}.",
    ),
    _row(
        "google", "credential-not-received",
        r"unregistered callers|missing required authentication credential|credentials_missing"
        r"|callers without established identity",
        "No credential arrived in a header that the API reads: no key was judged.",
        _GIVE_KEY, _GOOGLE,
        or_else="Or ?key= was taken off on the way and x-goog-api-key not written.",
    ),
    _row(
        "anthropic", "credential-in-wrong-header",
        r"oauth authentication is (?:currently )?not (?:supported|allowed)",
        "An OAuth token came (Authorization: Bearer) where the API takes one only with its beta.",
        "Send OAuth tokens as Authorization: Bearer with anthropic-beta: oauth-2025-04-20, and API"
        " keys (sk-ant-api03-) in x-api-key", _ANTHROPIC,
        or_else="Or an API key was sent as Bearer.",
    ),
    _row(
        "anthropic", "upstream-forbidden",
        r"only authorized for use with claude code",
        "The OAuth token is good for Claude Code alone.",
        "Give the API proxy an API key ({key}) for clients other than Claude Code", _ANTHROPIC,
    ),
    _row(
        "azure", "credential-in-wrong-header",
        r"access token is missing, invalid, audience is incorrect",
        "Azure judged Authorization: Bearer, and what was there is no Entra token for it.",
        "Let the API proxy send an Azure key in api-key, not as Authorization: Bearer (a custom"
        " header name for {provider}); an Entra token needs the audience that the answer names",
        _AZURE, or_else="Or neither api-key nor a token arrived, or the token has expired.",
    ),
    _row(
        "azure", "credential-in-wrong-header",
        r"key[- ]based authentication is (?:disabled|not permitted)|authenticationtypedisabled",
        "A key came where the resource takes only Entra tokens.",
        "Give the API proxy an Entra token (workload identity), or enable local authentication for"
        " the resource {host}", _AZURE,
    ),
    _row(
        "azure", "credential-not-received", r"missing subscription key",
        "No api-key (Ocp-Apim-Subscription-Key) arrived: no key was judged.",
        "Let the API proxy write the key to api-key for {host}: Azure does not read {header};"
        " another key changes nothing", _AZURE,
    ),
    _row(
        "azure", "upstream-rejected-credential",
        r"invalid subscription key or wrong api endpoint",
        "The key is not one of this resource.",
        "Compare the key that the API proxy holds ({key}) with the resource {host}: a key of"
        " another resource or region is refused alike", _AZURE,
    ),
    _row(
        "copilot", "credential-in-wrong-header",
        r"personal access tokens are not supported",
        "The token is of a kind that this endpoint does not take.",
        "Give the API proxy a token that Copilot takes (OAuth, gho_ or ghu_; or a fine-grained one"
        " with Copilot Requests) in {key}", _COPILOT,
    ),
    _row(
        "copilot", "wrong-auth-scheme",
        r"badly formatted|authorization scheme|unsupported authentication scheme"
        r"|auth header format should be|incompletesignature|must be in the format.{0,20}bearer",
        "The API cannot read the Authorization header: its scheme is another.",
        "Look at which scheme the API proxy takes for {host}: Bearer, or token for GHE", _COPILOT,
        (400, 401, 403),
    ),
    _row(
        "openai", "credential-in-wrong-header",
        r"authentication token is not from a valid issuer",
        "A token of another issuer (a ChatGPT sign-in) came where an API key is wanted.",
        "Give the API proxy an API key ({key}); a ChatGPT token is for chatgpt.com alone", _OPENAI,
    ),
    _row(
        "openai", "upstream-forbidden",
        r"missing scopes|insufficient permissions for this operation",
        "The key is good and restricted: it lacks the scope that the answer names.",
        "Give the key ({key}) the permission that the answer names, or use one without"
        " restrictions", _OPENAI,
    ),
    _row(
        "aws", "upstream-rejected-credential",
        r"unrecognizedclient|invalidclienttokenid"
        r"|security token included in the request is invalid",
        "The access key is none that AWS knows in this region or partition.",
        "Check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN of whoever signs, and the region in {host}",
        _AWS,
    ),
    _row(
        "aws", "upstream-rejected-credential",
        r"signature we calculated does not match|signaturedoesnotmatch",
        "The signature does not fit the request.",
        "Check AWS_SECRET_ACCESS_KEY of whoever signs; where the client signs itself, call the"
        " host that it signed for, since a proxy that rewrites Host or body breaks a signature",
        _SIGV4, or_else="Or Host, path or body were changed after signing.",
    ),
    _row(
        "aws", "credential-not-received", r"missing ?authentication ?token|missing authorization",
        "No signature arrived (Authorization: AWS4-HMAC-SHA256): no key was judged.",
        "Let the API proxy sign calls to {host} (SigV4), or give it a Bedrock API key; another key"
        " changes nothing", _AWS,
        or_else="Or {host} is an API gateway, which answers so to a path that it does not have.",
    ),
    _row(
        "aws", "model-refused",
        r"don't have access to the model with the specified|model access is denied"
        r"|use case details have not been submitted",
        "The account has no access to the model.",
        "Ask for access to the model in Bedrock's console, in the region of {host}; the key is"
        " good", _BEDROCK,
    ),
    _row(
        "aws", "upstream-forbidden",
        r"not authorized to perform|explicit deny in a|no identity-based policy",
        "The key is good; a policy of IAM does not allow the action that the answer names.",
        "Add the action that the answer names to the IAM policy of the role or user that signs"
        " (look also at service control policies)", _AWS,
    ),
    _row(
        "openai, xai, groq, deepseek", "upstream-rejected-credential",
        r"invalid_api_key|incorrect api key|invalid api key|api_key_invalid|api key not valid"
        r"|api key not found|api key is (?:invalid|not valid)|make sure your api key is valid"
        r"|revoked|no such user|user not found|bad credentials",
        "The key was read, and is none that the API knows.",
        "Check the key that the API proxy holds ({key}), not the agent's placeholder", _OPENAI,
        (400, 401, 403),
    ),
    _row(
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
        _GIVE_KEY, f"{_OPENAI}; {_ANTHROPIC}; {_ROUTER}; {_KONG}; {_LITELLM}; {_XAI}; {_COHERE}",
        (400, 401, 403, 407),
        or_else="Or the key is written to another header than {host} reads.",
    ),
    _row(
        "any (RFC 6750)", "upstream-rejected-credential",
        r"invalid_token|invalid bearer|invalid x-api-key|invalid authentication|token is invalid",
        "The credential was read, and is not accepted.",
        "Check the credential that the API proxy holds for {host} ({key}), not the agent's"
        " placeholder", _RFC6750, (401, 403),
    ),
)  # fmt: skip

#: Edges, which answer before the API looks.
_EDGES: Final[tuple[Answer, ...]] = (
    _row(
        "openai, xai, gemini", "edge-refused",
        r"unsupported_country|country, region, or territory not supported"
        r"|user location is not supported|not available in your (?:country|region)"
        r"|region is not supported|countr(?:y|ies).{0,20}not supported",
        "The address that the call left by is in a country that the API does not serve.",
        _REGION, f"{_OPENAI}; {_GEMINI}",
    ),
    _row(
        "anthropic", "edge-refused", r"forbidden request not allowed",
        "The API's edge does not serve the address that the call left by.",
        _REGION, _ANTHROPIC, (403,),
        or_else="Or the client, by its headers, is one that the edge does not let in.",
    ),
    _row(
        "cloudflare", "edge-refused", r"^error code: 1\d{3}\b|error 1020|error 1015",
        "Cloudflare refused the address or the client before the API looked.",
        "Let Squid leave by another address, or ask {provider} to let this one in; the key was not"
        " judged", "developers.cloudflare.com/support/troubleshooting/http-status-codes/"
        "cloudflare-1xxx-errors",
    ),
    _row(
        "groq", "edge-refused", r"access denied\. please check your network settings",
        "The edge refused the address that the call left by.",
        "Let Squid leave by another address, or ask {provider} to let this one in; the key was not"
        " judged", _GROQ, (403,),
    ),
)  # fmt: skip

#: Models and deployments.
_MODELS: Final[tuple[Answer, ...]] = (
    _row(
        "awf", "model-refused", r"retired_model|unknown_model_ai_credits|model_policy_violation",
        "The API proxy itself refuses the model; nothing was sent to the API.",
        "Set the client's model to one that the answer names, or allow this one in the API proxy's"
        " model settings", _AWF,
    ),
    _row(
        "azure", "model-not-found",
        r"deploymentnotfound|deployment for this resource does not exist",
        "The resource has no deployment of the name in the path.",
        "Compare the deployment's name in the path with the deployments of {host}; path, key and"
        " api-version are not the trouble", _AZURE,
        or_else="Or it was made in the last five minutes.",
    ),
    _row(
        "copilot", "model-refused",
        r"model_not_available_for_integrator|not available for integrator",
        "The model is not for the integrator that Copilot-Integration-Id names.",
        "Set Copilot-Integration-Id in the API proxy to one that may use the model, or ask for"
        " another model", _COPILOT,
    ),
    _row(
        "copilot, openai", "model-refused",
        r"not accessible via the|unsupported_api_for_model|only supported in v1/|not a chat model"
        r"|operation does not work with the specified model|operationnotsupported",
        "The model is there, and not at this path.",
        "Ask for the model at the path that the answer names, or for another model", _OPENAI,
    ),
    _row(
        "openai", "model-refused", r"does not have access to model",
        "The key's project may not use the model.", _ACCESS_TO_MODEL, _OPENAI,
    ),
    _row(
        "aws", "model-refused",
        r"on-demand throughput isn.?t supported|inference profile that contains this model",
        "The model can only be asked for through an inference profile.",
        "Set the client's model to the id of an inference profile (with us., eu. or global. before"
        " it) in the region of {host}", _BEDROCK,
    ),
    _row(
        "openrouter", "model-refused", r"no endpoints found (?:that support|matching)"
        r"|no allowed providers|not available.{0,20}privacy",
        "No provider that the account's settings allow serves the model as asked.",
        "Change the account's data policy or provider settings, or ask for another model", _ROUTER,
    ),
    _row(
        "openai, anthropic, gemini, vertex, mistral, cohere, xai, vllm, ollama, litellm, bedrock",
        "model-not-found",
        r"model_not_found|modelnotfound|not_found_error model:|^notfounderror.{0,20}model"
        r"|models?[ /:].{0,120}(?:does not exist|not found|is not found|was not found"
        r"|doesn't exist|could not be found)|invalid model|unknown model|not a valid model"
        r"|no endpoints found for|invalid_model|no such model|resolve the foundation model"
        r"|model identifier is invalid|no (?:healthy )?deployments? (?:available|found)",
        "The API has no model of that name, or shows this key none.",
        _OTHER_MODEL, f"{_OPENAI}; {_ANTHROPIC}; {_GEMINI}; {_MISTRAL}; {_XAI}; {_BEDROCK}",
        or_else="Or the model is there, and the key's account may not see it.",
    ),
    _row(
        "groq, cohere, google, openai, azure", "model-refused",
        r"model_decommissioned|modeldeprecated|model_terms_required"
        r"|model.{0,80}(?:has been|is|was|are) (?:deprecated|decommissioned|retired|removed"
        r"|disabled|no longer (?:available|supported)|shut down|not (?:enabled|allowed|available"
        r"|supported|servable|permitted))|end[- ]of[- ]life",
        "The model is known, and is not served to this account, or to nobody any more.",
        _OTHER_MODEL, f"{_GROQ}; {_COHERE}; {_GEMINI}",
        or_else="Or the name has a prefix or a suffix that {host} does not know.",
    ),
    _row(
        "copilot", "model-refused", r"model_not_supported|model is not supported",
        "The model is not served to this account, client or plan.", _OTHER_MODEL, _COPILOT,
    ),
)  # fmt: skip

#: Limits: one is a limit of the rate under any status.
_LIMITS: Final[tuple[Answer, ...]] = (
    _row(
        "openai, anthropic, openrouter, deepseek", "upstream-forbidden",
        r"insufficient_quota|exceeded your current quota|credit balance is too low"
        r"|billing_hard_limit|insufficient (?:credits|balance|funds)|payment required"
        r"|billing_not_active|account is not active|out of credits|spending limit",
        "The key is good, and its account has no credit left.", _PAY, f"{_OPENAI}; {_ROUTER}",
        or_else="Or the account's own budget is used up, although it has credit.",
    ),
    _row(
        "all", "upstream-rate-limited",
        r"rate_limit|ratelimit|rate limit|throttl|resource_exhausted|too many requests"
        r"|toomanyrequests|quota exceeded|too many tokens|requests? (?:per|limit) |slow down"
        r"|capacity_exceeded",
        "The API limits the rate, whatever the status is.", _ASK_LESS,
        f"RFC 6585 4; {_OPENAI}; {_ANTHROPIC}; {_AWS}; docs.github.com/rest (403 for limits)",
    ),
    _row(
        "anthropic, openai, gemini, aws", "upstream-overloaded",
        r"overloaded|model is (?:currently )?busy|serviceunavailable.{0,40}capacity"
        r"|currently experiencing high demand|engine_overloaded|modelnotready",
        "The API is overloaded, whatever the status is.",
        "Try later, with growing pauses; nothing on this side is wrong", _ANTHROPIC,
    ),
)  # fmt: skip

#: Headers of the client's own, which pass through.
_HEADERS: Final[tuple[Answer, ...]] = (
    _row(
        "anthropic", "client-header-rejected", r"anthropic-beta",
        "The client's anthropic-beta header, which passes through, has a value that is refused.",
        "Take the value that the answer names out of the client's anthropic-beta"
        " (ANTHROPIC_BETAS); the key is good", _ANTHROPIC, (400,),
    ),
    _row(
        "anthropic", "client-header-rejected", r"anthropic-version",
        "The client's anthropic-version header, which passes through, is missing or unknown.",
        "Send anthropic-version: 2023-06-01; the key is good", _ANTHROPIC, (400,),
    ),
    _row(
        "copilot", "client-header-rejected",
        r"editor-version|copilot-integration-id|openai-intent|x-github-api-version|apiversion",
        "A header of the client's that passes through is missing or not accepted.",
        "Send the header that the answer names as the API wants it; the key is good", _COPILOT,
        (400, 401, 403),
    ),
    _row(
        "google", "client-header-rejected", r"user_project_denied|x-goog-user-project",
        "The client's x-goog-user-project header, which passes through, names another project.",
        "Take x-goog-user-project out of the client (the quota project of its credentials)",
        _GOOGLE,
    ),
    _row(
        "any", "client-header-rejected",
        r"(?:invalid|unsupported|unknown|unexpected|bad) (?:value.{0,40}(?:for|in) (?:the )?)?"
        r"['\"`]?(?:x-|openai-|anthropic-|copilot-|http-)[a-z-]{2,40}['\"`]? ?header"
        r"|header ['\"`]?(?:x-|openai-|anthropic-|copilot-)[a-z-]{2,40}['\"`]? (?:is|has|must)",
        "A header of the client's that passes through is not accepted.",
        "Change the header that the answer names where the client sets it; the key is good",
        "the answer itself", (400, 401, 403),
    ),
)  # fmt: skip

#: Every row, the narrow before the wide.
TABLE: Final[tuple[Answer, ...]] = (*_CREDENTIALS, *_EDGES, *_HEADERS, *_MODELS, *_LIMITS)
