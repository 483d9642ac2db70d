# Completion of the command troupe for fish.
complete -c troupe -f
complete -c troupe -n __fish_use_subcommand -a run -d 'Run a deployment'
complete -c troupe -n __fish_use_subcommand -a check -d 'Check a deployment'
complete -c troupe -n __fish_use_subcommand -a plugin -d 'Look at plugins'
complete -c troupe -n __fish_use_subcommand -a version -d 'Its version'
complete -c troupe -l help -d 'What it does'
complete -c troupe -n 'not __fish_use_subcommand' -l format -x -a 'text json' -d 'How to print'
complete -c troupe -n '__fish_seen_subcommand_from run check' -k -a '(__fish_complete_suffix .yaml)'
complete -c troupe -n '__fish_seen_subcommand_from check' -l explain -d 'Show where each value comes from'
complete -c troupe -n '__fish_seen_subcommand_from plugin; and not __fish_seen_subcommand_from inspect list' -a inspect -d 'What a plugin offers'
complete -c troupe -n '__fish_seen_subcommand_from plugin; and not __fish_seen_subcommand_from inspect list' -a list -d 'The plugins that are found'
complete -c troupe -n '__fish_seen_subcommand_from inspect' -k -a '(__fish_complete_suffix .so)'
