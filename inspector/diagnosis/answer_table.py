"""Answers that are known: what they mean, what to do, where they are documented.

Data alone; `answers.py` reads it, and `answer_row.py` says of what form it is.  Here stand rows
about edges, models, limits and headers, and the whole table.
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
from inspector.diagnosis.credential_answers import CREDENTIALS

_MISTRAL: Final = "docs.mistral.ai/api"
_GROQ: Final = "console.groq.com/docs/errors"
#: litellm's words while it asks nobody (router_utils/cooldown_handlers.py, seen in litellm 1.108).
PUT_ASIDE: Final = (
    r"no deployments available.{0,60}try again in|deployments for selected model are in cooldown"
)
_LITELLM_ROUTER: Final = "docs.litellm.ai/docs/routing (cooldowns); golden captures: litellm-*"
_AWF: Final = "the firewall's API proxy, measured"
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

#: Edges, which answer before the API looks.
_EDGES: Final[tuple[Answer, ...]] = (
    row(
        "openai, xai, gemini", "edge-refused",
        r"unsupported_country|country, region, or territory not supported"
        r"|user location is not supported|not available in your (?:country|region)"
        r"|region is not supported|countr(?:y|ies).{0,20}not supported",
        "The address that the call left by is in a country that the API does not serve.",
        _REGION, f"{OPENAI}; {GEMINI}",
    ),
    row(
        "anthropic", "edge-refused", r"forbidden request not allowed",
        "The API's edge does not serve the address that the call left by.",
        _REGION, ANTHROPIC, (403,),
        or_else="Or the client, by its headers, is one that the edge does not let in.",
    ),
    row(
        "cloudflare", "edge-refused", r"^error code: 1\d{3}\b|error 1020|error 1015",
        "Cloudflare refused the address or the client before the API looked.",
        "Let Squid leave by another address, or ask {provider} to let this one in; the key was not"
        " judged", "developers.cloudflare.com/support/troubleshooting/http-status-codes/"
        "cloudflare-1xxx-errors",
    ),
    row(
        "groq", "edge-refused", r"access denied\. please check your network settings",
        "The edge refused the address that the call left by.",
        "Let Squid leave by another address, or ask {provider} to let this one in; the key was not"
        " judged", _GROQ, (403,),
    ),
)  # fmt: skip

#: Models and deployments.
_MODELS: Final[tuple[Answer, ...]] = (
    row(
        "awf", "model-refused", r"retired_model|unknown_model_ai_credits|model_policy_violation",
        "The API proxy itself refuses the model; nothing was sent to the API.",
        "Set the client's model to one that the answer names, or allow this one in the API proxy's"
        " model settings", _AWF,
    ),
    row(
        "azure", "model-not-found",
        r"deploymentnotfound|deployment for this resource does not exist",
        "The resource has no deployment of the name in the path.",
        "Compare the deployment's name in the path with the deployments of {host}; path, key and"
        " api-version are not the trouble", AZURE,
        or_else="Or it was made in the last five minutes.",
    ),
    row(
        "copilot", "model-refused",
        r"model_not_available_for_integrator|not available for integrator",
        "The model is not for the integrator that Copilot-Integration-Id names.",
        "Set Copilot-Integration-Id in the API proxy to one that may use the model, or ask for"
        " another model", COPILOT,
    ),
    row(
        "copilot, openai", "model-refused",
        r"not accessible via the|unsupported_api_for_model|only supported in v1/|not a chat model"
        r"|operation does not work with the specified model|operationnotsupported",
        "The model is there, and not at this path.",
        "Ask for the model at the path that the answer names, or for another model", OPENAI,
    ),
    row(
        "openai", "model-refused", r"does not have access to model",
        "The key's project may not use the model.", _ACCESS_TO_MODEL, OPENAI,
    ),
    row(
        "aws", "model-refused",
        r"on-demand throughput isn.?t supported|inference profile that contains this model",
        "The model can only be asked for through an inference profile.",
        "Set the client's model to the id of an inference profile (with us., eu. or global. before"
        " it) in the region of {host}", BEDROCK,
    ),
    row(
        "openrouter", "model-refused", r"no endpoints found (?:that support|matching)"
        r"|no allowed providers|not available.{0,20}privacy",
        "No provider that the account's settings allow serves the model as asked.",
        "Change the account's data policy or provider settings, or ask for another model", ROUTER,
    ),
    row(
        "litellm", "model-not-found", r"invalid model name passed in model=",
        "The gateway's own list has no such model; nothing was sent to an API.",
        "Add the model to the gateway's model_list, or ask for one that it lists (GET /v1/models)",
        _LITELLM_ROUTER, (400, 404),
    ),
    row(
        "litellm", "proxy-refused", PUT_ASIDE,
        "The gateway puts a deployment aside after its calls failed, and has no other to ask.",
        "Find out why the calls before failed; how soon it puts a deployment aside is set in its"
        " router_settings (allowed_fails, cooldown_time)", _LITELLM_ROUTER,
    ),
    row(
        "openai, anthropic, gemini, vertex, mistral, cohere, xai, vllm, ollama, litellm, bedrock",
        "model-not-found",
        r"model_not_found|modelnotfound|not_found_error model:|^notfounderror.{0,20}model"
        r"|models?[ /:].{0,120}(?:does not exist|not found|is not found|was not found"
        r"|doesn't exist|could not be found)|invalid model|unknown model|not a valid model"
        r"|no endpoints found for|invalid_model|no such model|resolve the foundation model"
        r"|model identifier is invalid|no (?:healthy )?deployments? (?:available|found)",
        "The API has no model of that name, or shows this key none.",
        _OTHER_MODEL, f"{OPENAI}; {ANTHROPIC}; {GEMINI}; {_MISTRAL}; {XAI}; {BEDROCK}",
        or_else="Or the model is there, and the key's account may not see it.",
    ),
    row(
        "groq, cohere, google, openai, azure", "model-refused",
        r"model_decommissioned|modeldeprecated|model_terms_required"
        r"|model.{0,80}(?:has been|is|was|are) (?:deprecated|decommissioned|retired|removed"
        r"|disabled|no longer (?:available|supported)|shut down|not (?:enabled|allowed|available"
        r"|supported|servable|permitted))|end[- ]of[- ]life",
        "The model is known, and is not served to this account, or to nobody any more.",
        _OTHER_MODEL, f"{_GROQ}; {COHERE}; {GEMINI}",
        or_else="Or the name has a prefix or a suffix that {host} does not know.",
    ),
    row(
        "copilot", "model-refused", r"model_not_supported|model is not supported",
        "The model is not served to this account, client or plan.", _OTHER_MODEL, COPILOT,
    ),
)  # fmt: skip

#: Limits: one is a limit of the rate under any status.
_LIMITS: Final[tuple[Answer, ...]] = (
    row(
        "openai, anthropic, openrouter, deepseek", "upstream-forbidden",
        r"insufficient_quota|exceeded your current quota|credit balance is too low"
        r"|billing_hard_limit|insufficient (?:credits|balance|funds)|payment required"
        r"|billing_not_active|account is not active|out of credits|spending limit",
        "The key is good, and its account has no credit left.", _PAY, f"{OPENAI}; {ROUTER}",
        or_else="Or the account's own budget is used up, although it has credit.",
    ),
    row(
        "all", "upstream-rate-limited",
        r"rate_limit|ratelimit|rate limit|throttl|resource_exhausted|too many requests"
        r"|toomanyrequests|quota exceeded|too many tokens|requests? (?:per|limit) |slow down"
        r"|capacity_exceeded",
        "The API limits the rate, whatever the status is.", _ASK_LESS,
        f"RFC 6585 4; {OPENAI}; {ANTHROPIC}; {AWS}; docs.github.com/rest (403 for limits)",
    ),
    row(
        "anthropic, openai, gemini, aws", "upstream-overloaded",
        r"overloaded|model is (?:currently )?busy|serviceunavailable.{0,40}capacity"
        r"|currently experiencing high demand|engine_overloaded|modelnotready",
        "The API is overloaded, whatever the status is.",
        "Try later, with growing pauses; nothing on this side is wrong", ANTHROPIC,
    ),
)  # fmt: skip

#: Headers of the client's own, which pass through.
_HEADERS: Final[tuple[Answer, ...]] = (
    row(
        "anthropic", "client-header-rejected", r"anthropic-beta",
        "The client's anthropic-beta header, which passes through, has a value that is refused.",
        "Take the value that the answer names out of the client's anthropic-beta"
        " (ANTHROPIC_BETAS); the key is good", ANTHROPIC, (400,),
    ),
    row(
        "anthropic", "client-header-rejected", r"anthropic-version",
        "The client's anthropic-version header, which passes through, is missing or unknown.",
        "Send anthropic-version: 2023-06-01; the key is good", ANTHROPIC, (400,),
    ),
    row(
        "copilot", "client-header-rejected",
        r"editor-version|copilot-integration-id|openai-intent|x-github-api-version|apiversion",
        "A header of the client's that passes through is missing or not accepted.",
        "Send the header that the answer names as the API wants it; the key is good", COPILOT,
        (400, 401, 403),
    ),
    row(
        "google", "client-header-rejected", r"user_project_denied|x-goog-user-project",
        "The client's x-goog-user-project header, which passes through, names another project.",
        "Take x-goog-user-project out of the client (the quota project of its credentials)",
        GOOGLE,
    ),
    row(
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
TABLE: Final[tuple[Answer, ...]] = (*CREDENTIALS, *_EDGES, *_HEADERS, *_MODELS, *_LIMITS)
