#!/bin/sh
# Checks this evidence: who signed which bytes, with which key, in which order.
#
#   sh verify.sh [-d EVIDENCE] [-k FINGERPRINT] [-c EARLIER-CHAIN] [AUDIO...]
#
# -d  the folder of the evidence, where it is not the one of this script
# -k  the fingerprint of the studio's key as you know it from elsewhere: SHA256:...
# -c  a chain list that you kept from earlier: this one must begin with it
# AUDIO  a folder: every file that FILES names must be in it; a file: it must be one that was signed
#
# Needs a POSIX shell, ssh-keygen (OpenSSH 9.1 or newer), sha256sum or shasum, awk, sed, grep, find.
# Exit 0 and a sentence: everything fits. Exit 1: the name of the file and what is wrong with it. Exit 2: it was not asked rightly.

LC_ALL=C TZ=UTC0
export LC_ALL TZ
unset IFS
set -f

no() {
    printf 'REFUSED. %s: %s\n' "$1" "$2" >&2
    exit 1
}

wrong() {
    printf '%s\n' "$1" >&2
    exit 2
}

absolute() {
    case $1 in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s\n' "$PWD/$1" ;;
    esac
}

where=.
case $0 in */*) where=${0%/*} ;; esac
known=
earlier=
while getopts d:k:c: option; do
    case $option in
        d) where=$OPTARG ;;
        k) known=$OPTARG ;;
        c) earlier=$(absolute "$OPTARG") ;;
        *) wrong 'Asked as: sh verify.sh [-d EVIDENCE] [-k FINGERPRINT] [-c EARLIER-CHAIN] [AUDIO...]' ;;
    esac
done
shift $((OPTIND - 1))
came_from=$PWD
cd "$where" || wrong "The folder $where cannot be opened."

for tool in ssh-keygen awk sed grep find; do
    command -v "$tool" >/dev/null || wrong "The tool $tool is needed and is not here."
done
if command -v sha256sum >/dev/null; then
    hash=sha256sum
elif command -v shasum >/dev/null; then
    hash='shasum -a 256'
else
    wrong 'The tool sha256sum is needed and is not here.'
fi

# 1. The files, against their list.

for name in README.txt allowed_signers studio_signers names.csv CHAIN checkpoint.txt checkpoint.txt.sig FILES verify.sh SHA256SUMS SHA256SUMS.sig; do
    [ -f "$name" ] || no "$name" 'it is not there'
done
line=$(awk '
    { name = substr($0, 67) }
    length($0) < 67 || substr($0, 1, 64) ~ /[^0-9a-f]/ || substr($0, 65, 2) != "  " { print NR; exit }
    name ~ /[^A-Za-z0-9_.\/]/ || name ~ /\.\./ || name ~ /^\// || name in seen { print NR; exit }
    name ~ /\// && name !~ /^statements\/[0-9][0-9][0-9][0-9][0-9][0-9]\.txt(\.sig)?$/ { print NR; exit }
    { seen[name] = 1 }
' SHA256SUMS)
[ -z "$line" ] || no SHA256SUMS "line $line is no digest and name, or stands there twice"
for name in README.txt allowed_signers studio_signers names.csv CHAIN checkpoint.txt checkpoint.txt.sig FILES verify.sh; do
    grep -q "  $name\$" SHA256SUMS || no SHA256SUMS "it does not list $name"
done
names=$(awk '{ print substr($0, 67) }' SHA256SUMS)
for name in $names; do
    [ -f "$name" ] || no "$name" 'it is not there, and SHA256SUMS lists it'
done
strange=$(find statements -type f | awk '
    FNR == NR { listed[substr($0, 67)] = 1; next }
    !($0 in listed) { print; exit }
' SHA256SUMS -)
[ -z "$strange" ] || no "$strange" 'SHA256SUMS does not list it: it was put here afterwards'
# Every listed name is plain, so that the words of the list are the names.
differs=$($hash $names | awk '
    FNR == NR { want[substr($0, 67)] = substr($0, 1, 64); next }
    want[substr($0, 67)] != substr($0, 1, 64) { print substr($0, 67) }
' SHA256SUMS -)
first=$(printf '%s\n' "$differs" | sed -n 1p)

# 2. The studio's key and its word for the list.

studio_key=$(awk '
    NF != 4 || $1 ~ /[^A-Za-z0-9]/ || $2 != "namespaces=\"checkpoint@deadwax\"" || $3 != "ssh-ed25519" { bad = 1 }
    $4 ~ /[^A-Za-z0-9+\/=]/ || $0 != $1 " " $2 " " $3 " " $4 { bad = 1 }
    { key = $3 " " $4; studio = $1 }
    END { if (NR == 1 && !bad) print studio " " key }
' studio_signers)
studio=${studio_key%% *}
fingerprint=$(printf '%s\n' "${studio_key#* }" | ssh-keygen -l -f - 2>/dev/null | awk 'NR == 1 { print $2 }')
case $differs in
    *studio_signers*) no studio_signers 'it is not as it was exported: its digest is not the one in SHA256SUMS' ;;
esac
case $fingerprint in
    SHA256:*) ;;
    *) no studio_signers 'it does not hold one Ed25519 key of a studio for checkpoint@deadwax' ;;
esac
[ -z "$known" ] || [ "$known" = "$fingerprint" ] || no studio_signers "the studio's key is $fingerprint, not $known"

# Nothing may stand in the armour but what a signature needs: it is the one file that no list covers.
armour=$(awk '
    NR == 1 { if ($0 != "-----BEGIN SSH SIGNATURE-----") bad = 1; next }
    ended { bad = 1 }
    $0 == "-----END SSH SIGNATURE-----" { ended = 1; next }
    length($0) == 0 || length($0) > 76 || $0 ~ /[^A-Za-z0-9+\/=]/ { bad = 1 }
    END { if (!ended) bad = 1; print bad + 0 }
' SHA256SUMS.sig)
[ "$armour" = 0 ] || no SHA256SUMS.sig 'it is not one signature and nothing else'
if ! ssh-keygen -Y verify -f studio_signers -I "$studio" -n checkpoint@deadwax -s SHA256SUMS.sig <SHA256SUMS >/dev/null 2>&1; then
    no SHA256SUMS "the studio's signature over it (SHA256SUMS.sig) does not hold${first:+; $first is not what it says}"
fi
[ -z "$first" ] || no "$first" 'it is not as it was exported: its digest is not the one in SHA256SUMS'

# 3. The checkpoint: the studio's word for the whole history.

ssh-keygen -Y verify -f studio_signers -I "$studio" -n checkpoint@deadwax -s checkpoint.txt.sig <checkpoint.txt >/dev/null 2>&1 ||
    no checkpoint.txt "the studio's signature over it does not hold"
checkpoint=$(awk '
    BEGIN { split("studio project entries chain-sha256 receipts last-statement time", key, " ") }
    NR == 1 { if ($0 != "deadwax-checkpoint/1") bad = 1; next }
    NR > 8 || index($0, key[NR - 1] ": ") != 1 { bad = 1; exit }
    { value[NR - 1] = substr($0, length(key[NR - 1]) + 3) }
    END {
        if (bad || NR != 8 || value[2] !~ /^[0-9a-f-]+$/ || value[3] !~ /^[0-9]+$/ || value[4] !~ /^[0-9a-f]+$/) exit
        if (value[5] !~ /^[0-9]+$/ || value[6] !~ /^[0-9a-f]+$/ || value[7] !~ /^[0-9TZ:-]+$/) exit
        print value[2], value[3], value[4], value[5], value[6], value[7]
    }
' checkpoint.txt)
[ -n "$checkpoint" ] || no checkpoint.txt 'its lines are not those of a checkpoint'
read -r project entries chain_digest receipts last_statement checkpoint_time <<END
$checkpoint
END

# 4. The chain list.

[ "$($hash CHAIN | awk '{ print $1 }')" = "$chain_digest" ] || no CHAIN 'its digest is not the one in checkpoint.txt'
fault=$(awk -v entries="$entries" -v receipts="$receipts" -v last="$last_statement" '
    function hex(text) { return length(text) == 64 && text !~ /[^0-9a-f]/ }
    FNR == NR {
        if ($2 ~ /^statements\/[0-9]+\.txt$/) { of[++statements] = $1; name[statements] = $2 }
        next
    }
    { words = split($0, word, " ") }
    words < 2 || words > 3 || word[1] "" != FNR "" || !hex(word[2]) || (words == 3 && !hex(word[3])) { print "CHAIN line " FNR " is no entry"; exit }
    $0 != word[1] " " word[2] (words == 3 ? " " word[3] : "") { print "CHAIN line " FNR " is no entry"; exit }
    words == 3 && ++found > statements { print "CHAIN line " FNR " tells of a statement that is not here"; exit }
    words == 3 && word[3] != of[found] { print name[found] " it is not the statement that stands in CHAIN at line " FNR; exit }
    { lines = FNR }
    END {
        if (lines != entries) print "CHAIN it has " lines + 0 " lines, and checkpoint.txt says " entries
        if (found < statements) print name[found + 1] " CHAIN does not tell of it"
        if (statements + 0 != receipts) print "checkpoint.txt it says " receipts " statements, and " statements + 0 " are here"
        if (statements > 0 && of[statements] != last) print name[statements] " it is not the newest statement of checkpoint.txt"
        if (statements + 0 == 0) print "statements there is none"
    }
' SHA256SUMS CHAIN | sed -n 1p)
[ -z "$fault" ] || no "${fault%% *}" "${fault#* }"
if [ -n "$earlier" ]; then
    [ -f "$earlier" ] || wrong "There is no file $earlier."
    fault=$(awk '
        FNR == NR { line[FNR] = $0; kept = FNR; next }
        FNR <= kept && $0 != line[FNR] { print "line " FNR " is another than in the list that you kept: the history was rewritten"; told = 1; exit }
        { lines = FNR }
        END { if (!told && lines < kept) print "it has " lines " lines, and the list that you kept has " kept ": the history was cut" }
    ' "$earlier" CHAIN)
    [ -z "$fault" ] || no CHAIN "$fault"
fi

# 5. The statements: their order, what each names, and each signature at the time that it states.

grep -E -q . allowed_signers || no allowed_signers 'it holds no key'
! grep -E -q -v '^[0-9a-f-]+ namespaces="statement@deadwax",valid-after="[0-9]+Z"(,valid-before="[0-9]+Z")? ssh-ed25519 [A-Za-z0-9+/=]+$' allowed_signers ||
    no allowed_signers 'a line of it is not of the form that is used here'
statements=$(awk '$2 ~ /^statements\/[0-9]+\.txt$/ { print $2 }' SHA256SUMS)
for name in $statements; do
    [ -s "$name" ] || no "$name" 'it is empty'
    [ -f "$name.sig" ] || no "$name.sig" 'it is not there'
done
table=$(awk -v project="$project" '
    function bad(why) { if (!told) print "BAD " file " " why; told = 1; exit }
    function base64(hex,    n, at, bits, take, out) {
        for (at = 1; at <= 64; at += 6) {
            bits = 0
            take = substr(hex, at, 6)
            for (n = 1; n <= 6; n++) bits = bits * 16 + (n <= length(take) ? index("0123456789abcdef", substr(take, n, 1)) - 1 : 0)
            out = out substr(letters, int(bits / 262144) % 64 + 1, 1) substr(letters, int(bits / 4096) % 64 + 1, 1)
            out = out substr(letters, int(bits / 64) % 64 + 1, 1) substr(letters, bits % 64 + 1, 1)
        }
        return substr(out, 1, 43)
    }
    function one(key) { if (count[key] != 1) bad("it does not name its " key " once") }
    function digest(text) { return length(text) == 64 && text !~ /[^0-9a-f]/ }
    function done(    time) {
        one("project"); one("signer"); one("key"); one("sequence"); one("previous"); one("time"); one("decision"); one("role"); one("approval")
        if (told) return
        if (value["project"] != project) bad("it is of another project")
        if (value["sequence"] != number || file != sprintf("statements/%06d.txt", number)) bad("it is number " value["sequence"] ", and number " number " belongs here")
        if (value["previous"] != previous) bad("it does not follow the statement before it")
        if (value["approval"] in used) bad("its approval was used before")
        used[value["approval"]] = 1
        if (value["signer"] !~ /^[0-9a-f-]+$/ || !digest(value["key"])) bad("its signer or key is none")
        time = value["time"]
        if (time !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z$/) bad("its time is none")
        gsub(/[-T:]/, "", time)
        if (!told) print file, value["signer"], time, base64(value["key"])
        previous = sum[file]
    }
    BEGIN {
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        previous = sprintf("%064d", 0)
    }
    FILENAME == "SHA256SUMS" { sum[substr($0, 67)] = substr($0, 1, 64); next }
    FNR == 1 {
        if (file != "") done()
        split("", count)
        split("", value)
        file = FILENAME
        number++
        if ($0 != "deadwax-statement/1") bad("it does not begin as a statement")
        next
    }
    { at = index($0, ": ") }
    at == 0 { bad("line " FNR " says nothing") }
    { key = substr($0, 1, at - 1); count[key]++; value[key] = substr($0, at + 2) }
    END { if (!told && file != "") done() }
' SHA256SUMS $statements)
while read -r name signer time key; do
    [ "$name" != BAD ] || no "$signer" "$time $key"
    said=$(ssh-keygen -Y verify -f allowed_signers -I "$signer" -n statement@deadwax -O "verify-time=$time" -s "$name.sig" <"$name" 2>&1) ||
        no "$name" "its signature does not hold: no key that held at $time and belongs to $signer made it over this text ($(printf '%s\n' "$said" | sed -n 1p))"
    case $said in
        *" key SHA256:$key") ;;
        *) no "$name" 'it was signed with another key than the one it names' ;;
    esac
done <<END
$table
END

# 6. The files that were signed.

fault=$(awk '
    FILENAME != "FILES" { if (index($0, "file: ") == 1) signed[substr($0, 7, 64)] = 1; next }
    length($0) < 67 || substr($0, 65, 2) != "  " || !(substr($0, 1, 64) in signed) { print "line " FNR " is no file that a statement names"; exit }
    substr($0, 67) ~ /^\// || substr($0, 67) ~ /(^|\/)\.\.(\/|$)/ { print "line " FNR " leads out of the folder"; exit }
' $statements FILES)
[ -z "$fault" ] || no FILES "$fault"
heard=0
for audio do
    case $audio in /*) ;; *) audio=$came_from/$audio ;; esac
    if [ -d "$audio" ]; then
        fault=$(find "$audio" -type f -exec $hash {} + | awk -v folder="$audio/" '
            function last(path) { sub(/^.*\//, "", path); return path }
            FILENAME == "FILES" {
                path[++files] = substr($0, 67); want[files] = substr($0, 1, 64); alike[last(path[files])]++
                next
            }
            {
                sub(/^\\/, "")
                name = substr($0, 67)
                if (index(name, folder) == 1) name = substr(name, length(folder) + 1)
                digest = substr($0, 1, 64); here[digest] = 1; at[name] = digest; called[last(name)] = digest
            }
            END {
                for (n = 1; n <= files; n++) {
                    name = last(path[n])
                    other = (path[n] in at) ? at[path[n]] != want[n] : (alike[name] == 1 && (name in called) && called[name] != want[n])
                    if (other) { print path[n] ": it holds other bytes than were signed"; exit }
                    if (!(want[n] in here)) { print path[n] ": it is not there, under any name"; exit }
                }
            }
        ' FILES -)
        [ -z "$fault" ] || no "${fault%%: *}" "${fault#*: }"
        heard=$((heard + $(grep -c . FILES)))
    elif [ -f "$audio" ]; then
        digest=$($hash "$audio" | sed -e 's/^\\//' -e 's/ .*//')
        grep -q "^$digest  " FILES || no "$audio" "nobody signed these bytes ($digest)"
        heard=$((heard + 1))
    else
        no "$audio" 'it is not there'
    fi
done

people=$(printf '%s\n' "$table" | awk '!($2 in seen) { seen[$2] = 1; people++ } END { print people + 0 }')
printf 'ACCEPTED. %s statements by %s people, %s files named; a history of %s entries, checkpoint of %s.\n' \
    "$receipts" "$people" "$(grep -c . FILES)" "$entries" "$checkpoint_time"
[ "$heard" = 0 ] || printf 'Of the audio that was given, %s files hold exactly the bytes that were signed.\n' "$heard"
printf "The studio's key is %s." "$fingerprint"
if [ -n "$known" ]; then
    printf ' It is the one that you know.\n'
else
    printf ' Compare it with what the studio told you on another way.\n'
fi
