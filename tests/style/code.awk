# Prints C files as "file:line:code", with comments and the insides of literals blanked, so that
# checks look at code alone.
FNR == 1 { in_comment = 0 }
{
    out = ""
    n = length($0)
    for (i = 1; i <= n; i++) {
        two = substr($0, i, 2)
        c = substr($0, i, 1)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; i++ }
        } else if (two == "/*") {
            in_comment = 1; i++
        } else if (two == "//") {
            break
        } else if (c == "\"" || c == "'") {
            out = out c
            for (i++; i <= n && substr($0, i, 1) != c; i++) {
                if (substr($0, i, 1) == "\\") i++
            }
            out = out c
        } else {
            out = out c
        }
    }
    sub(/[ \t]+$/, "", out)
    print FILENAME ":" FNR ":" out
}
