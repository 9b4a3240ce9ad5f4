package main

import (
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// aliases are pairs of an alias and its SID without S-1-. The aliases from AP on are relative to a domain.
var aliases = strings.Fields(`
	AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545
	CD 5-32-574 CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584
	IS 5-32-568 IU 5-4 LS 5-19 LU 5-32-559 LW 16-4096 ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556
	NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10 PU 5-32-547 RA 5-32-575 RC 5-12 RD 5-32-555 RE 5-32-552 RM 5-32-580
	RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2 SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33 AP -525
	CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519 EK -527 KA -526 LA -500 LG -501 PA -520 RO -498
	RS -553 SA -518`)
var canonical = regexp.MustCompile(`^S-1(-(0|[1-9][0-9]{0,9})){2,16}$`)

// SIDs that the check replaces.
var selfSID, ownerRights = parseSID("PS", ""), parseSID("OW", "")

// parseSID parses S-1-… in canonical form, or an upper-case alias, and returns the binary SID. domain is the domain as
// text, or "". It panics for any other text, and for an alias of a domain if domain is "".
func parseSID(name, domain string) string {
	full := name
	if i := slices.Index(aliases, name); i >= 0 && len(name) == 2 {
		if rest := aliases[i+1]; rest[0] == '-' {
			full = domain + rest
		} else {
			full = "S-1-" + rest
		}
	}
	check(canonical.MatchString(full), "the SID %q: write it as S-1-… in decimal numbers", name)
	numbers := strings.Split(full, "-")[2:]
	b := []byte{1, byte(len(numbers) - 1), 0, 0}
	for i, number := range numbers {
		n := uint32(must(strconv.ParseUint(number, 10, 32)))
		if i == 0 {
			b = binary.BigEndian.AppendUint32(b, n) // the authority
		} else {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
	}
	return string(b)
}

// isSID reports whether b is exactly one binary SID.
func isSID(b string) bool { return b[0] == 1 && b[1] <= 15 && len(b) == 8+4*int(b[1]) }

// readSID returns the binary SID at the start of b.
func readSID(b string) string {
	b = b[:8+4*int(b[1])]
	check(isSID(b), "a SID is malformed")
	return b
}

// sub returns a sub-authority of a binary SID.
func sub(sid string, i byte) uint64 { return le(sid[8+4*int(i):][:4]) }

// hasAuthority reports whether a binary SID has this identifier authority, and a sub-authority.
func hasAuthority(sid string, authority byte) bool {
	return sid[1] > 0 && sid[2:8] == string([]byte{0, 0, 0, 0, 0, authority})
}

// le returns a little-endian number of up to eight bytes.
func le(b string) uint64 {
	return binary.LittleEndian.Uint64(append([]byte(b), 0, 0, 0, 0, 0, 0, 0, 0))
}

// unhex decodes a string of hexadecimal digits.
func unhex(digits any) string { return string(must(hex.DecodeString(digits.(string)))) }

// Types of entries, by number in MS-DTYP 2.4.4.1.
const (
	compoundAllow     = 0x04
	firstCallback     = 0x09 // of those that allow or deny, this one and later ones have a condition
	integrityLabel    = 0x11
	resourceAttribute = 0x12
	policyID          = 0x13
	trustLabel        = 0x14
	accessFilter      = 0x15 // the last known type
)

// effects has a letter for each type of entry: it allows, it denies, or it takes no part in the walk over a DACL.
const effects = "ad..aad..adad........."

// objectTypes are the types of entries that have GUIDs.
const objectTypes = "\x05\x06\x07\x08\x0b\x0c\x0f\x10"

// entry is an ACE.
type entry struct {
	kind byte
	live bool // not inherit-only
	acts bool // takes part in the walk over a DACL
	deny bool
	mask mask
	sid  string // of a compound entry: the server's
	guid string // object type; "": none
	data string // what follows the SID
}

// parseDescriptor returns the owner, SACL and DACL of a self-relative descriptor. An absent owner is "". A list is
// nil if it is NULL or its control flag is not set. An empty b gives "" and two nil lists. parseDescriptor panics for
// a malformed descriptor.
func parseDescriptor(b string) (owner string, sacl, dacl []entry) {
	if b == "" {
		return "", nil, nil
	}
	part := func(field int, flag byte) (rest string, isThere bool) {
		at := le(b[field : field+4])
		if at == 0 || b[2]&flag != flag {
			return "", false
		}
		return b[at:], true
	}
	if rest, isThere := part(4, 0); isThere {
		owner = readSID(rest)
	}
	if rest, isThere := part(12, 0x10); isThere {
		sacl = parseACL(rest)
	}
	if rest, isThere := part(16, 4); isThere {
		dacl = parseACL(rest)
	}
	return owner, sacl, dacl
}

// parseACL decodes a binary ACL and returns its entries in order. It keeps entries of unknown types, which take no
// part in the decision. An ACL without entries gives an empty list, not nil. It panics for a malformed ACL.
func parseACL(b string) []entry {
	list, rest := []entry{}, b[8:le(b[2:4])]
	for range le(b[4:6]) {
		size := le(rest[2:4])
		list = append(list, parseACE(rest[:size]))
		rest = rest[size:]
	}
	return list
}

// parseACE decodes one binary entry. Of an unknown type it reads only type and flags.
func parseACE(b string) entry {
	check(len(b) >= 4, "an entry is malformed")
	const inheritOnly = 8
	e := entry{kind: b[0], live: b[1]&inheritOnly == 0}
	if e.kind > accessFilter {
		return e
	}
	at := 8 // offset of the SID
	switch {
	case e.kind == compoundAllow:
		at = 12
	case strings.IndexByte(objectTypes, e.kind) >= 0:
		at = 12
		if b[8]&1 != 0 {
			e.guid = b[12:28]
			at += 16
		}
		if b[8]&2 != 0 { // the inherited object type
			at += 16
		}
	}
	effect := effects[e.kind]
	e.acts, e.deny = e.live && effect != '.', effect == 'd'
	e.mask, e.sid = mask(le(b[4:8])), readSID(b[at:])
	e.data = b[at+len(e.sid):]
	return e
}
