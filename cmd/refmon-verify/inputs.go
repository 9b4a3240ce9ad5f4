package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// le is a little-endian number.
func le(s string) (v uint64) {
	for i := range len(s) {
		v |= uint64(s[i]) << (8 * i)
	}
	return v
}

type sid string // in binary form

var selfSID, ownerRights = sid("\x01\x01\x00\x00\x00\x00\x00\x05\x0a\x00\x00\x00"), sid("\x01\x01\x00\x00\x00\x00\x00\x03\x04\x00\x00\x00")

// is reports an authority, and a number of sub-authorities of at least one.
func (s sid) is(authority, subs byte) bool {
	return s != "" && subs > 0 && s[1] == subs && s[2:8] == sid([]byte{0, 0, 0, 0, 0, authority})
}
func (s sid) sub(i byte) uint64 { return le(string(s[8+4*int(i):][:4])) }

// Aliases of SIDs; those of the last line are relative to a domain.
var aliases = strings.Fields(`AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545 CD 5-32-574
	CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584 IS 5-32-568 IU 5-4 LS 5-19 LU 5-32-559 LW 16-4096
	ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556 NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10 PU 5-32-547 RA 5-32-575 RC 5-12 RD 5-32-555
	RE 5-32-552 RM 5-32-580 RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2 SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33
	AP -525 CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519 EK -527 KA -526 LA -500 LG -501 PA -520 RO -498 RS -553 SA -518`)
var canonical = regexp.MustCompile(`^S-1(-(0|[1-9][0-9]{0,9})){2,16}$`)

// parseSID reads S-1-… in canonical form, or an alias in capitals; domain is the text of the domain, or "".
func parseSID(name, domain string) sid {
	full := name
	if i := slices.Index(aliases, name); i >= 0 && i%2 == 0 {
		full = pick(aliases[i+1][0] == '-', domain, "S-1-") + aliases[i+1]
	}
	check(canonical.MatchString(full), "the SID %q: write it as S-1-… in decimal numbers", name)
	parts := strings.Split(full, "-")[2:]
	b := binary.BigEndian.AppendUint64(nil, must(strconv.ParseUint(parts[0], 10, 32)))
	for _, p := range parts[1:] {
		b = binary.LittleEndian.AppendUint32(b, uint32(must(strconv.ParseUint(p, 10, 32))))
	}
	b[0], b[1] = 1, byte(len(parts)-1)
	return sid(b)
}

func isSID(s string) bool { return s[0] == 1 && s[1] <= 15 && len(s) == 8+4*int(s[1]) }

func readSID(b string) sid { return sid(b[:8+4*int(b[1])]) }

// unhex reads lower-case hexadecimal digits.
func unhex(digits any) string {
	b := must(hex.DecodeString(digits.(string)))
	check(hex.EncodeToString(b) == digits, "capital hexadecimal digits")
	return string(b)
}

// entry is an ACE.
type entry struct {
	kind             byte
	mask             mask
	sid              sid    // of a compound entry the server's
	guid, data       string // object type, "" for none; what follows the SID
	live, acts, deny bool   // not inherit-only; takes part in the walk over a DACL; denies
}

// parseDescriptor takes self-relative bytes apart; a list is nil where there is none.
func parseDescriptor(b string) (owner sid, sacl, dacl []entry) {
	part := func(field int, flag byte) string { return b[pick(b[2]&flag == flag, le(b[field:field+4]), 0):] }
	if b == "" {
		return
	}
	if s := part(4, 0); len(s) < len(b) {
		owner = readSID(s)
	}
	if s := part(12, 0x10); len(s) < len(b) {
		sacl = parseACL(s)
	}
	if s := part(16, 4); len(s) < len(b) {
		dacl = parseACL(s)
	}
	return owner, sacl, dacl
}

const effects = "ad..aad..adad........." // of a type of entry in a DACL: allow, deny, none

func parseACL(b string) []entry {
	list, n := []entry{}, le(b[4:6])
	for b = b[8:le(b[2:4])]; n > 0; n-- {
		e, at, a := entry{kind: b[0], live: b[1]&8 == 0}, pick(b[0] == 4, 12, 8), b[:max(4, le(b[2:4]))]
		if b = b[len(a):]; int(e.kind) < len(effects) { // unknown types have no effect
			if strings.IndexByte("\x05\x06\x07\x08\x0b\x0c\x0f\x10", e.kind) >= 0 {
				at = 12 + 16*int(a[8]&1) + 8*int(a[8]&2)
				e.guid = a[12 : 12+16*int(a[8]&1)]
			}
			e.mask, e.sid = mask(le(a[4:8])), readSID(a[at:])
			e.acts, e.deny, e.data = e.live && effects[e.kind] != '.', effects[e.kind] == 'd', a[at+len(e.sid):]
		}
		list = append(list, e)
	}
	return list
}

type token struct {
	members                                map[string]byte    // by pass and SID: 1 for entries that allow, 2 for those that deny
	claims                                 map[string][]claim // by field of the file, with "restricted" for that pass
	privileges                             map[string]bool
	restricted, writeRestricted, noWriteUp bool
	level                                  uint64
	pkg, trust                             sid
}

// get is a field, or what stands for it where it is absent or null.
func get[T any](o map[string]any, key string, absent T) T {
	if v, ok := o[key]; ok && v != nil {
		return v.(T)
	}
	return absent
}

// parseObject reads JSON that is the same when written again but for blanks and the order of keys: none is given twice.
func parseObject(b []byte) (o map[string]any) {
	var b2 bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	check(dec.Decode(&o) == nil && json.Compact(&b2, b) == nil, "no JSON object")
	check(b2.Len() == len(dense(o)), "a key is given twice, or characters are escaped: write it as refmon token show --json does")
	return o
}

// words lists things given by name, or as objects with attributes; absent are those of a bare name.
func words(list []any, key string, absent uint64, yield func(name string, attrs uint64)) {
	bits := map[any]uint64{"Mandatory": 1, "Enabled": 4, "UseForDenyOnly": 0x10, "Integrity": 0x20}
	for _, v := range list {
		o, ok := v.(map[string]any)
		if !ok {
			o = map[string]any{key: v}
		}
		attrs := absent
		if a := get(o, "attributes", []any(nil)); a != nil {
			attrs = 0
			for _, w := range a {
				attrs |= bits[w]
			}
		}
		yield(o[key].(string), attrs)
	}
}

var levels = map[string]uint64{"None": 0, "Untrusted": 0, "Low": 4096, "Medium": 8192, "MediumPlus": 8448, "High": 12288, "System": 16384, "Protected": 20480}

// parseToken reads what a decision needs of a token file.
func parseToken(b []byte) *token {
	f, t := parseObject(b), &token{members: map[string]byte{}, claims: map[string][]claim{}, privileges: map[string]bool{}}
	list := func(key string) []any { return get(f, key, []any(nil)) }
	domain := get(f, "domain", "")
	words([]any{f["user"]}, "sid", 0, func(user string, _ uint64) {
		if domain == "" && strings.HasPrefix(user, "S-1-5-21-") {
			domain = user[:strings.LastIndexByte(user, '-')]
		}
	})
	level := get(f, "integrityLevel", "Medium")
	if rid, named := levels[level]; named {
		t.level = rid
	} else {
		t.level = parseSID(level, "").sub(0)
	}
	pkg := []any{}
	if box := get(f, "appContainer", map[string]any(nil)); box != nil {
		t.pkg = parseSID(box["packageSid"].(string), domain)
		pkg = append(get(box, "capabilities", pkg), box["packageSid"], "S-1-15-2-2", pick(get(box, "lowPrivilege", false), "S-1-15-2-2", "AC"))
	}
	for _, l := range []struct {
		pass                      string
		list                      []any
		absent, also, allow, deny uint64 // attributes: of a bare name; of all; that make one count
	}{
		{"", []any{f["user"]}, 0, 4, 4, 0x14}, {"", list("groups"), 7, 0, 5, 0x15}, {"restricted", list("restrictedSids"), 7, 4, 4, 0x14},
		{"device", list("deviceGroups"), 7, 0, 4, 0x14}, {"restricteddevice", list("restrictedDeviceGroups"), 7, 4, 4, 0x14}, {"package", pkg, 4, 0, 4, 4},
	} {
		words(l.list, "sid", l.absent, func(name string, a uint64) {
			s := parseSID(name, domain)
			if a |= pick(a == 0 && l.pass == "package", 4, l.also); l.pass == "" && a&0x20 != 0 {
				t.level = s.sub(0)
				return
			}
			t.members[l.pass+string(s)] |= pick[byte](a&l.allow != 0 && a&0x10 == 0, 1, 0) | pick[byte](a&l.deny != 0, 2, 0)
		})
	}
	words(list("privileges"), "name", 4, func(name string, a uint64) { t.privileges[name] = a&4 != 0 })
	t.restricted, t.writeRestricted = get(f, "restricted", false) || len(list("restrictedSids")) > 0, get(f, "writeRestricted", false)
	t.noWriteUp = slices.Contains(get(f, "mandatoryPolicy", []any{"NoWriteUp"}), any("NoWriteUp"))
	t.trust = parseSID(get(f, "trustLevel", "S-1-19-0-0"), domain)
	for _, name := range []string{"userClaims", "deviceClaims", "localAttributes"} {
		t.claims[name] = parseClaims(list(name), domain)
		narrowed := "restricted" + strings.ToUpper(name[:1]) + name[1:]
		t.claims["restricted"+name] = pick(f[narrowed] != nil, parseClaims(list(narrowed), domain), t.claims[name])
	}
	return t
}
