"""Words that no grammar tells from chance, and that messages of programs consist of.

`letters` knows how English words are built; here are the others.  In small letters; a word is
looked up whole, after it was taken out of an identifier.
"""

from __future__ import annotations

from typing import Final

_TECHNICAL: Final = """
    a abi ack acks acl acme adc admin01 aes ai aiohttp algo alpn altnames am amd64 amqp amz an
    anthropic api api01 api02 api03 apikey apis arg args argv arm arn as asc asn aspnet async at
    audio auth authn authz autoscaling avx awf awmg aws axios az azure babbage backend backends
    backoff base64 base64url bash be bearer bedrock beginstream bifrost bigint bool boolean botnet
    boto boto3 botocore br bridge brotli bson btree bucket buf bufio by bytedance bytes ca captcha
    cas catalog cb cd cdn cert certs cfg cfray cgi cgroup chat chunked ci cid cidr claude cli
    cloudflare cmd cn cname codec codegen codex cohere com comm concat conf config configs
    configured conn connrefused const context cookie copilot cors cpu cpus crl crlf cron crypto csp
    csr csrf css csv ctrl ctx ctype cuda curl cwd d daemon dall dalle databricks datacenter datetime
    davinci db dbname ddl ddos de deepseek deflate defs del deps deserialize dest dev devtools dhcp
    dict dir dirs dist dkim dll dlopen dlp dns do doc docker docs doh dom doubao downstream dr dst
    dtls dtype e eacces eaddrinuse eaddrnotavail eagain eai ebadf ebpf ec2 ecdsa econnaborted
    econnrefused econnreset ecs eexist ehostdown ehostunreach eintr einval eio eisdir eks emfile
    emsgsize endpoint endpoints enetdown enetunreach enobufs enoent enomem enospc enotconn enotfound
    enotsup entra enum env envoy eof eperm epipe epoch eproto eq ernie err errno errno2 errs es256
    esm esockettimedout etag etc eth etimedout eu eval exe exec executable exp expr ext fastapi
    favicon fd fe fedramp fetch ffi fifo filename filepath filesystem fin firewall fireworks flash
    flask fmt fn foo fqdn fs fsync ftp func fw gateway gb gce gcm gcp gdpr gemini gemma genai
    getaddrinfo getattr ggml gguf ghe git github gitlab gke glm gmt go golang goog google googleapis
    gpg gpt gpt4 gpt4o gpu grok groq grpc gui guid gunicorn gzip h2 h2c h3 haiku hal haproxy
    hardcoded hash hashmap he head healthz hex hipaa hmac hostname hostnames hpack href hs256 hsts
    htm html http httpbin httpcore httpd https httpx hub huggingface hunyuan hyper i iam icap icmp
    ics id identifier ids ietf if im imap img impl in inet inference init inode instruct int int32
    int64 integer interop invalid io ip ipc iptables ipv4 ipv6 is iso issuer istio it iter jamba
    java javascript jina jp jpeg jpg jq js json jsonl jsonrpc jsonschema jwks jwt k8s kafka kb
    kbytes keepalive kerberos keychain kimi kms knn kube kubectl kubernetes kv lambda langchain
    latest latin1 lb ldap len lib libc libcurl libs libssl lifecycle lifespan linux litellm llama
    llc llm llms localhost localstack logprob logprobs lru lsof lts m macos mai malformed mb mcp
    mcpg md md5 me mem metadata metrics microsoft middleware mime minimax mistral mistralai mixtral
    mkdir ml mmap mod modelname moonshot ms mtls mtu multimodal multipart mutex my mysql namespace
    nan nano nanos nats nested net netrc netty nginx nil nlp no node nodejs nonce noop noproxy nova
    npf npm nvidia nxdomain o oai oat01 oauth oauth2 obj ocsp octet of oidc ok okhttp ollama olmo on
    oom op openai openapi openclaw openrouter openssl opus or org orgs origin ort01 os otel otlp
    param params parser passwd pcap pci pdf peer pem perplexity phi php pid pids ping pixtral pkce
    pki placeholder playground png pong pop3 popen portkey posix postgres postgresql pre prefetch
    preflight preview prod proj prometheus proto protobuf proxied proxies ps psh ptr pub pubsub pwd
    py pycurl pypi pytest python qos qps quic quota qwen ram rand rbac rdp rds readme readonly
    realtime rec recv recvfrom redis ref refs regex regexp repo repos repr req requests res resp
    rest retryable rfc rhel root rpc rpd rpm rps rs rs256 rsa rst rtsp runtime rust rx s s3 saas
    safetensors saml sandbox sasl sbx schema scp sdk sdks selinux semver sendto seq seqno serde
    serverless servlet setsockopt sha sha1 sha256 sha384 sha512 shm sid sig sigint sigkill sigpipe
    sigterm sigv2 sigv4 sk skopeo sku skus sla sleep slurm smtp snat sni sns so soc2 sockaddr socket
    sockets sonnet sp spdy spec specs spf sql sqlite sqs squid src sse ssh ssl ssl3 sslv3 ssm sso
    std stderr stdin stdlib stdout stmt str struct sts stt subdomain subnet subprocess subprotocol
    subscriber substring sudo svc symlink syn sync sys syscall syslog systemd t tar tb tcp telemetry
    tenant tf thru thumbprint timestamp timestamps titan tls tlsv tlsv1 tlsv13 tmp to todo tokenize
    tokenizer toml tool toolchain toolset tpd tpm traceback traceparent tracestate ts tsx ttl tts
    tuple turbo tv tx txt typ u ua udp ui uid uk ulid umask unauth unauthenticated undici uniq unix
    unmarshal unparseable unpkg up uri uris url urllib urllib3 urls us usd usr utc utf utf16 utf8
    util utils uuid uvicorn v1 v2 v3 v4 validator varchar vars venv vertex vertexai veth vhost vim
    virtualenv vision vk vlan vllm vm vnd voyage vpc vpn vs waf wasm we webhook webhooks websocket
    websockets whisper whitelist wifi wildcard wsgi wss www x x509 x64 x86 xai xff xhr xml xss yaml
    yi yml zhipu zlib zod zsh zstd ztunnel
"""

#: Words that stand behind a key's name and say something of the key, or go on with the sentence.
_SAID: Final = """
    a about above absent accepted access account active actual admin after again against all
    allowed already also an and any api app appears application are argument as at attached
    attempt auth authenticated authentication authorization authorized available bad base64 be
    bearer because been before being belongs below blank blocked body both bound but by bytes can
    cannot changed characters check claim claims client code config configuration configured
    contains content cookie could count create created credential credentials credits current
    deactivated deleted denied details did digest disabled do does doesn double during each either
    empty ending ends enough environment error exceeded exceeds exists expected expired expires
    failed failure fetch field file first follow for forbidden format formatted found from full
    generate generated get given got granted had has have header headers here how id if ignored in
    inactive incomplete incorrect input instead insufficient internal into invalid is issued
    issuer it its json key keys last least length less limit limited limits lock login longer
    looks malformed match matches maximum may message method minimum mismatch missing model more
    must name named near need needs new no non none not nothing now null object of off on one only
    or order organization other our out over owner parameter parse parsed parsing part pass passed
    password path permission permissions placeholder please present problem process project prompt
    property provide provided provider proxy public quota rate read received recognized refresh
    refused rejected removed renew replace request requested requests required requires reset
    resource response retrieval retry revoked role rotate same scheme scope scopes secret see sent
    server service session set several should signature signing since size source specified state
    status stored string subject subscription such suspended take than that the their them then
    there these they this through time to token tokens too try trying type unable unauthorized
    undefined unexpected unknown unless unrecognized unsupported until up update url usage use
    used user username uses using valid validate validation value values variable verification
    verified verify version via was we were when where which while who will with within without
    wrong you your
"""

TECHNICAL: Final = frozenset(_TECHNICAL.split())
SAID: Final = frozenset(_SAID.split())
