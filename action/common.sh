# What the Action's scripts share.  Read with `.`; needs POSIX sh, and sudo where it is not root.
# shellcheck shell=sh

# Where a capture that runs is known to later steps of the job.
# shellcheck disable=SC2034  # each script uses some of these
state=${RUNNER_TEMP:?this script runs in a step of GitHub Actions}/inspector-state
folder=${INSPECTOR_FOLDER:-$RUNNER_TEMP/inspector}

# fail SENTENCE: the step fails, with its reason as an annotation.  What a user typed is data: no
# line end and no percent sign of it reaches the runner.
fail() {
    printf '::error title=inspector::%s\n' "$(printf '%s' "$1" | tr '\r\n%' '   ')"
    exit 1
}

# as_root PROGRAM...: sudo resets the environment, so all that a program needs is in its arguments.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

may_be_root() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null ||
        fail "A capture needs root, and sudo asks for a password or is missing. Use a runner whose \
user may call sudo, or a container that runs as root. The agent was not started."
}

# capture STATE-FILES... [-- COMMAND...]: `inspector capture` as this run wants it.  It ends with
# the status of inspector, which is that of COMMAND where COMMAND failed.
capture() {
    # Split at blanks on purpose; `*` is no pattern here.
    set -f
    # shellcheck disable=SC2086
    set -- ${INSPECTOR_OPTIONS:-} "$@"
    set +f
    for label in "repository=${GITHUB_REPOSITORY:-}" "run_id=${GITHUB_RUN_ID:-}" \
        "run_attempt=${GITHUB_RUN_ATTEMPT:-}" "sha=${GITHUB_SHA:-}"; do
        [ -z "${label#*=}" ] || set -- --label "$label" "$@"
    done
    [ -z "${INSPECTOR_FAIL_ON:-}" ] || set -- --fail-on "$INSPECTOR_FAIL_ON" "$@"
    # A file that root leaves in the runner's folders could not be cleaned up by the runner.
    as_root env PYTHONDONTWRITEBYTECODE=1 "$INSPECTOR_PROGRAM" capture --wait --github -o "$folder" "$@"
}

# judge STATUS: the status of the step, once the policy was asked as well.
judge() {
    if [ -z "${INSPECTOR_POLICY:-}" ] || [ ! -e "$folder/report.json" ]; then
        return "$1"
    fi
    judged=0
    "$INSPECTOR_PROGRAM" check --github --policy "$INSPECTOR_POLICY" -o "$folder" \
        "$folder/report.json" || judged=$?
    [ "$1" = 0 ] || return "$1"
    return "$judged"
}
