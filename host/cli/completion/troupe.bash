# Completion of the command troupe for bash.
_troupe() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' sub='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -* | =) ;;
            text | json | auto | always | never) ;;
            *)
                if [[ -z $command ]]; then
                    command=${COMP_WORDS[i]}
                elif [[ $command == plugin && -z $sub ]]; then
                    sub=${COMP_WORDS[i]}
                fi
                ;;
        esac
    done
    COMPREPLY=()
    # "--format=j" comes as three words where "=" separates them
    [[ $current == '=' ]] && current=''
    [[ $previous == '=' ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
    case $previous in
        --format)
            COMPREPLY=($(compgen -W 'text json' -- "$current"))
            return
            ;;
        --color)
            COMPREPLY=($(compgen -W 'auto always never' -- "$current"))
            return
            ;;
    esac
    local options='--format --quiet --color --help --usage --version' words='' files=''
    case $command in
        '') words='run check plan plugin post-mortem version' ;;
        run) files='yaml' options+=' --shadow --watch' ;;
        plan) files='yaml' ;;
        check) files='yaml' options+=' --explain' ;;
        post-mortem) files='json' options+=' --last' ;;
        plugin)
            case $sub in
                '') words='doctor inspect list' ;;
                doctor | inspect) files='so' ;;
                list) files='yaml' ;;
            esac
            ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
        return
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    case $files in
        yaml)
            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -X '!*.yaml' -- "$current")
            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -X '!*.yml' -- "$current")
            ;;
        so) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -X '!*.so' -- "$current") ;;
        json) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -X '!*.json' -- "$current") ;;
        *) return ;;
    esac
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$current")
    compopt -o filenames 2>/dev/null
}
complete -F _troupe troupe
