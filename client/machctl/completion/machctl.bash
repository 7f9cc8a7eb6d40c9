# SPDX-License-Identifier: Apache-2.0
# Completion of machctl for bash: commands, their options, and what the daemon knows of processes and
# services. Options come from `machctl COMMAND --help`, so there is no list here that could be wrong.
# shellcheck shell=bash

_machctl_commands='ps ports port names queues limits why graph leaks metrics top policy trace'

# The socket that the line names, as options.
_machctl_socket() {
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s | --socket) printf '%s\n' -s "${COMP_WORDS[i + 1]}" ;;
        --socket=*) printf '%s\n' -s "${COMP_WORDS[i]#*=}" ;;
        esac
    done
}

# What stands behind `"KEY": ` in the JSON of a command; only what needs no quoting.
_machctl_values() {
    local -a socket
    mapfile -t socket < <(_machctl_socket)
    "${COMP_WORDS[0]}" "$1" --json "${socket[@]}" 2>/dev/null |
        sed -nE 's/.*"'"$2"'": "?([A-Za-z0-9._-]+).*/\1/p' | sort -u
}

_machctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' choices=''
    local -i i arguments=0

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s | --socket | -i | --interval | --id | -n | --count | -p | --port | -w | --write | -r | --read | -o | --sort) ((i++)) ;;
        -*) ;;
        *) if [[ $command ]]; then arguments+=1; else command=${COMP_WORDS[i]}; fi ;;
        esac
    done
    case $before in
    -s | --socket | -w | --write | -r | --read)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    -o | --sort) choices='sent received queue bytes names new waiting cpu pid' ;;
    -p | --port) [[ $command == trace ]] && choices=$(_machctl_values ports object) ;;
    -i | --interval | --id | -n | --count) return ;;
    *)
        if [[ $word == -* ]]; then
            # shellcheck disable=SC2086 # no command is no word
            choices=$("${COMP_WORDS[0]}" $command --help 2>/dev/null |
                sed -nE 's/^ +(-., )?(--[a-z]+).*/\2/p')
        elif [[ ! $command ]]; then
            choices=$_machctl_commands
        else
            case $command-$arguments in
            ports-0 | queues-0 | why-0 | graph-0 | trace-0) choices=$(_machctl_values ps pid) ;;
            port-0) choices=$(_machctl_values names service; _machctl_values ps pid) ;;
            policy-0) choices=explain ;;
            policy-1) choices=$(_machctl_values ps pid) ;;
            policy-2) choices=$(_machctl_values names service) ;;
            esac
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}

complete -F _machctl machctl
