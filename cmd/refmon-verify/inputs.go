package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// SIDs are in binary form. The aliases of the last line are relative to a domain.
var aliases = strings.Fields(`
	AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545
	CD 5-32-574 CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584
	IS 5-32-568 IU 5-4 LS 5-19 LU 5-32-559 LW 16-4096 ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556
	NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10 PU 5-32-547 RA 5-32-575 RC 5-12 RD 5-32-555 RE 5-32-552 RM 5-32-580
	RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2 SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33 AP -525
	CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519 EK -527 KA -526 LA -500 LG -501 PA -520 RO -498
	RS -553 SA -518`)
var canonical = regexp.MustCompile(`^S-1(-(0|[1-9][0-9]{0,9})){2,16}$`)

// parseSID parses S-1-… in canonical form, or an upper-case alias. domain is the domain as text, or "". It panics for
// any other text, and for an alias of a domain if domain is "".
func parseSID(name, domain string) string {
	i := slices.Index(aliases, name)
	alias := aliases[max(i+1, 0)]
	full := pick(len(name) == 2 && i >= 0, pick(alias[0] == '-', domain, "S-1-")+alias, name)
	check(canonical.MatchString(full), "the SID %q: write it as S-1-… in decimal numbers", name)
	parts, number := strings.Split(full, "-")[2:],
		func(p string) uint32 { return uint32(must(strconv.ParseUint(p, 10, 32))) }
	b := binary.BigEndian.AppendUint32([]byte{1, byte(len(parts) - 1), 0, 0}, number(parts[0]))
	each(parts[1:], func(p string) { b = binary.LittleEndian.AppendUint32(b, number(p)) })
	return string(b)
}

func le(s string) uint64 {
	return binary.LittleEndian.Uint64(append([]byte(s), 0, 0, 0, 0, 0, 0, 0, 0))
}
func isSID(s string) bool { return s[0] == 1 && s[1] <= 15 && len(s) == 8+4*int(s[1]) }
func readSID(b string) string {
	b = b[:8+4*int(b[1])]
	check(isSID(b), "a SID is malformed")
	return b
}
func sub(s string, i byte) uint64 { return le(s[8+4*int(i):][:4]) }
func unhex(digits any) string     { return string(must(hex.DecodeString(digits.(string)))) }

// entry is an ACE. For a compound entry sid is the server's. data follows the SID.
type entry struct {
	kind            byte
	live, deny      bool // not inherit-only; denies
	acts            bool // takes part in the walk over a DACL
	mask            mask
	sid, guid, data string
}

// parseDescriptor returns the owner, SACL and DACL of a self-relative descriptor. An absent owner is "". A list is
// nil if it is NULL or its control flag is not set. An empty b gives "" and two nil lists. parseDescriptor panics for
// a malformed descriptor.
func parseDescriptor(b string) (owner string, sacl, dacl []entry) {
	if b == "" {
		return "", nil, nil
	}
	part := func(field int, flag byte) (rest string, there bool) {
		at := le(b[field : field+4])
		if at == 0 || b[2]&flag != flag {
			return "", false
		}
		return b[at:], true
	}
	if rest, there := part(4, 0); there {
		owner = readSID(rest)
	}
	if rest, there := part(12, 0x10); there {
		sacl = parseACL(rest)
	}
	if rest, there := part(16, 4); there {
		dacl = parseACL(rest)
	}
	return owner, sacl, dacl
}

// parseACL decodes a binary ACL and returns its entries in order. It keeps entries of unknown types, which take no
// part in the decision. An ACL without entries gives an empty list, not nil. It panics for a malformed ACL.
func parseACL(b string) (list []entry) {
	list, rest := []entry{}, b[8:le(b[2:4])]
	for range le(b[4:6]) {
		a := rest[:le(rest[2:4])]
		check(len(a) >= 4, "an entry is malformed")
		e, at := entry{kind: a[0], live: a[1]&8 == 0}, pick(a[0] == 4, 12, 8)
		if strings.Contains("\x05\x06\x07\x08\x0b\x0c\x0f\x10", a[:1]) { // object entries
			at, e.guid = 12+16*int(a[8]&1)+8*int(a[8]&2), a[12:12+16*int(a[8]&1)]
		}
		if rest = rest[len(a):]; a[0] <= 0x15 { // others are unknown and do nothing
			effect := "ad..aad..adad........."[a[0]] // allows, denies, or takes no part
			e.acts, e.deny, e.mask, e.sid = e.live && effect != '.', effect == 'd', mask(le(a[4:8])), readSID(a[at:])
			e.data = a[at+len(e.sid):]
		}
		list = append(list, e)
	}
	return list
}

// unsigned encodes a value for comparisons: its kind (i integer, b boolean, s UTF-16, d SID, x octets) and sortable
// text.
func unsigned(kind string, v uint64) string { return fmt.Sprintf("%s1%020d", kind, v) }
func signed(v int64) string {
	return pick(v < 0, fmt.Sprintf("i0%020d", uint64(v)), unsigned("i", uint64(v)))
}
func units(s string) string {
	return string(must(binary.Append(nil, binary.LittleEndian, utf16.Encode([]rune(s)))))
}

// later are letters whose upper-case form is newer than Unicode 5.1, or is ASCII. Windows does not map them.
var later = regexp.MustCompile("[ıſƛȿɀɒɜɡɤ-ɦɪɬʂʇʝʞϳԥ-ԯა-ჿᏸ-ᏽᲀ-ᲊᶎⱟⳬ-ⳳⴧ-ⴭꙡꚙ-ꚛꞑ-ꟶꭓ-ꮿ]")

// fold returns UTF-16 in big-endian order, which sorts correctly, and in upper case unless sensitive.
func fold(s string, sensitive bool) (out string) {
	for ; s != ""; s = s[2:] {
		u := rune(le(s[:2]))
		u = pick(sensitive || later.MatchString(string(u)), u, unicode.ToUpper(u))
		out += string([]byte{byte(u >> 8), byte(u)})
	}
	return out
}

// terminated returns the UTF-16 before the first NUL.
func terminated(s string) string {
	i := 0
	for s[i:i+2] != "\x00\x00" {
		i += 2
	}
	return s[:i]
}

// counted returns the bytes after a length of four bytes at the start of s.
func counted(s string) string { return s[4 : 4+le(s[:4])] }

// stored decodes the claim values in a resource attribute, by type; written decodes those of a token file.
var stored = map[uint64]func(s string) (value string, size int){
	1: func(s string) (string, int) { return signed(int64(le(s[:8]))), 8 },
	2: func(s string) (string, int) { return unsigned("i", le(s[:8])), 8 },
	3: func(s string) (string, int) { return "s" + terminated(s), len(terminated(s)) + 2 },
	5: func(s string) (string, int) {
		check(isSID(counted(s)), "a SID")
		return "d" + counted(s), len(counted(s)) + 4
	},
	6:  func(s string) (string, int) { check(le(s[:8]) <= 1, "a boolean"); return unsigned("b", le(s[:8])), 8 },
	16: func(s string) (string, int) { return "x" + counted(s), len(counted(s)) + 4 },
}
var written = map[any]func(v any, domain string) string{
	"int64":  func(v any, _ string) string { return signed(must(strconv.ParseInt(string(v.(json.Number)), 10, 64))) },
	"uint64": func(v any, _ string) string { return unsigned("i", numeral(v, 64)) },
	"string": func(v any, _ string) string { return "s" + units(v.(string)) },
	"sid":    func(v any, domain string) string { return "d" + parseSID(v.(string), domain) },
	"boolean": func(v any, _ string) string {
		value, known := map[any]uint64{true: 1, false: 0, json.Number("1"): 1, json.Number("0"): 0}[v]
		check(known, "a claim's boolean is true, false, 1 or 0")
		return unsigned("b", value)
	},
	"octets": func(v any, _ string) string { return "x" + unhex(v) },
}

var digits = regexp.MustCompile(`^(0|[1-9][0-9]{0,19}|0[xX][0-9a-fA-F]{1,16})$`)

// numeral converts a number, or a string that contains a decimal or hexadecimal one.
func numeral(v any, size int) uint64 {
	check(digits.MatchString(fmt.Sprint(v)), "the number %v: write it in decimal digits, or as 0x and hexadecimal ones",
		v)
	return must(strconv.ParseUint(fmt.Sprint(v), 0, size))
}

// attribute converts a claim to an operand. A disabled claim, or one with a repeated value, is NULL (A-110, S-32).
func attribute(flags uint64, values []string) *operand {
	o := &operand{'a', 0, values, flags&2 != 0, flags&4 != 0}
	once := slices.Compact(slices.Sorted(slices.Values(o.keys(o.sensitive))))
	return pick(flags&0x10 != 0 || len(once) < len(values), &operand{kind: 'a'}, o)
}

// parseAttribute adds a resource attribute. An unreadable one is ignored (S-33). Of several with one name the first
// counts. Names match in any case. An unknown type, too many values and a malformed flag make it unreadable.
func (t *token) parseAttribute(b string) {
	defer func() { _ = recover() }()
	at := func(field uint64) string { return b[le(b[field:field+4]):] }
	name, flags, values, left := fold(terminated(at(0)), false), le(b[8:12]), []string(nil), 65536
	for i := range le(b[12:16]) {
		value, size := stored[le(b[4:6])](at(16 + 4*i))
		values, left = append(values, value), left-size
	}
	check(stored[le(b[4:6])] != nil && name != "" && flags&0xFF00 == 0 && len(values) <= 4096 && left >= 0,
		"an attribute")
	if t.claims["resource"+name] == nil {
		t.claims["resource"+name] = attribute(flags, values)
		t.claims["restrictedresource"+name] = t.claims["resource"+name]
	}
}

// parseClaims adds the claims in a list of the token file. Of several with one name the last counts.
func (t *token) parseClaims(where string, list any, domain string) {
	for _, v := range as[[]any](list) {
		o, values := v.(map[string]any), pick(strings.HasSuffix(where, "Claims"), []string{}, nil)
		flags := numeral(pick[any](o["flags"] == nil, "0", o["flags"]), 32)
		each(o["values"].([]any), func(v any) { values = append(values, written[o["type"]](v, domain)) })
		t.claims[where+fold(units(o["name"].(string)), false)] = attribute(flags, values)
	}
}

// token holds the parts of a token file that a decision needs.
type token struct {
	// by pass and SID: 1 for entries that allow, 2 for those that deny
	members                                map[string]byte
	claims                                 map[string]*operand // by pass, field of the file and name
	privileges                             map[string]bool
	restricted, writeRestricted, noWriteUp bool
	level                                  uint64
	pkg, trust                             string
}

// words calls yield for each element of a list in a token file: a name, or an object with the name under key and
// attributes. absent is the attributes of an element that has none of its own.
func words(list any, key string, absent uint64, yield func(name string, attrs uint64)) {
	const other = 0x100 // attributes that decide nothing: a capability that has but these is disabled
	bits := map[any]uint64{"Mandatory": 1, "Enabled": 4, "UseForDenyOnly": 0x10, "Integrity": 0x20}
	for _, v := range as[[]any](list) {
		o := as[map[string]any](v)
		attrs := pick(o["attributes"] == nil, absent, 0)
		each(as[[]any](o["attributes"]), func(w any) { attrs |= pick(bits[w] == 0, other, bits[w]) })
		yield(as[string](v)+as[string](o[key]), attrs)
	}
}

// parseToken reads a token file. Absent fields have the defaults of the format. It panics for a malformed file.
func parseToken(text string) *token {
	f, t := parseObject("token", text, tokenShape), &token{members: map[string]byte{}, claims: map[string]*operand{},
		privileges: map[string]bool{}}
	domain, level, box, pkg := as[string](f["domain"]),
		pick(f["integrityLevel"] == nil, "ME", as[string](f["integrityLevel"])), as[map[string]any](f["appContainer"]),
		[]any{}
	words([]any{f["user"]}, "sid", 0, func(user string, _ uint64) {
		domain = pick(domain == "" && strings.HasPrefix(user, "S-1-5-21-"),
			user[:max(0, strings.LastIndexByte(user, '-'))], domain)
	})
	levels := map[string]string{"Untrusted": "S-1-16-0", "None": "S-1-16-0", "Low": "LW", "Medium": "ME",
		"MediumPlus": "MP", "High": "HI", "System": "SI", "Protected": "S-1-16-20480"}
	t.level = sub(parseSID(pick(levels[level] == "", level, levels[level]), ""), 0)
	if box != nil { // These SIDs are the package's side of an AppContainer.
		t.pkg = parseSID(box["packageSid"].(string), domain)
		pkg = append(as[[]any](box["capabilities"]), box["packageSid"], "S-1-15-2-2",
			pick(as[bool](box["lowPrivilege"]), "S-1-15-2-2", "AC"))
	}
	for _, l := range [...]struct {
		pass string
		list any
		// attributes: of a bare name; of all; that count for entries that allow; that deny
		absent, also, allow, deny uint64
	}{
		{"", []any{f["user"]}, 0, 4, 4, 0x14}, {"", f["groups"], 7, 0, 5, 0x15},
		{"restricted", f["restrictedSids"], 7, 4, 4, 0x14},
		{"device", f["deviceGroups"], 7, 0, 4, 0x14}, {"restricteddevice", f["restrictedDeviceGroups"], 7, 4, 4, 0x14},
		{"package", pkg, 4, 0, 4, 4},
	} {
		words(l.list, "sid", l.absent, func(name string, a uint64) {
			s := parseSID(name, domain)
			a |= pick(a == 0 && l.pass == "package", 4, l.also)
			t.level = pick(l.pass == "" && a&0x20 != 0, sub(s+"1234", 0), t.level)
			a = pick(l.pass == "" && a&0x20 != 0, 0, a) // an integrity level is not a group
			t.members[l.pass+s] |= pick[byte](a&l.allow != 0 && a&0x10 == 0, 1, 0) | pick[byte](a&l.deny != 0, 2, 0)
		})
	}
	words(f["privileges"], "name", 4, func(name string, a uint64) {
		t.privileges[name] = t.privileges[name] || a&4 != 0
	})
	t.restricted, t.writeRestricted = as[bool](f["restricted"]) || len(as[[]any](f["restrictedSids"])) > 0,
		as[bool](f["writeRestricted"])
	t.noWriteUp = f["mandatoryPolicy"] == nil || slices.Contains(as[[]any](f["mandatoryPolicy"]), any("NoWriteUp"))
	t.trust = parseSID(pick(f["trustLevel"] == nil, "S-1-19-0-0", as[string](f["trustLevel"])), domain)
	t.trust = pick(t.trust[1] == 2, t.trust, strings.Repeat("\x00", 16)) // none is (0, 0)
	for _, name := range []string{"UserClaims", "DeviceClaims", "LocalAttributes"} {
		own := strings.ToLower(name[:1]) + name[1:]
		t.parseClaims(own, f[own], domain)
		t.parseClaims("restricted"+own, pick(f["restricted"+name] == nil, f[own], f["restricted"+name]), domain)
	}
	return t
}
