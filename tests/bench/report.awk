# SPDX-License-Identifier: Apache-2.0
#
# What table.awk and targets.awk are made with: reads the rows that the programs print (test, peer,
# case, place, metric, value; once for each round) and gives medians, and medians of the ratios
# within a round. Part of tests/bench/run.sh; any awk will do.

BEGIN { FS = "\t" }

/^#/ { # where, in how many rounds, without whom
    where = $2
    rounds = $3
    left_out = $4
    next
}

{
    key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4 SUBSEP $5
    if (!(key in count))
        order[++keys] = key
    value[key, ++count[key]] = $6
}

# The median of list[1..n], or the least, or the largest; 0 of none.
function pick(list, n, which,    i, j, v) {
    for (i = 2; i <= n; i++) {
        v = list[i]
        for (j = i - 1; j > 0 && list[j] > v; j--)
            list[j + 1] = list[j]
        list[j + 1] = v
    }
    if (n < 1)
        return 0
    return which == "least" ? list[1] : which == "most" ? list[n] : list[int((n + 1) / 2)]
}

# To ask for an element of `count` would make one: all ask whether there is one first.
function of_key(key, which,    list, i) {
    if (!(key in count))
        return 0
    for (i = 1; i <= count[key]; i++)
        list[i] = value[key, i]
    return pick(list, count[key], which)
}

function has(test, peer, label, place, metric) {
    return (test SUBSEP peer SUBSEP label SUBSEP place SUBSEP metric) in count
}

function of(test, peer, label, place, metric) {
    return of_key(test SUBSEP peer SUBSEP label SUBSEP place SUBSEP metric, "median")
}

# Two figures that were measured in turns: the median of the quotients of each round; 0 if one was
# not measured.
function quotient(a, b,    list, i, n) {
    if (!(a in count) || !(b in count))
        return 0
    for (i = 1; i <= count[a] && i <= count[b]; i++)
        if (value[b, i] > 0)
            list[++n] = value[a, i] / value[b, i]
    return pick(list, n, "median")
}

function ratio(test, peer, other, label, place, metric) {
    return quotient(test SUBSEP peer SUBSEP label SUBSEP place SUBSEP metric,
                    test SUBSEP other SUBSEP label SUBSEP place SUBSEP metric)
}

# A figure, with as many digits as help; "-" for what was not measured.
function figure(v) {
    if (v == 0)
        return "-"
    return sprintf(v < 10 ? "%.2f" : v < 1000 ? "%.1f" : "%.0f", v)
}
