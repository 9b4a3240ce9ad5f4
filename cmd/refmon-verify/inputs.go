package main

import (
	"bytes"
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

// le is a little-endian number.
func le(s string) (v uint64) {
	for i := range len(s) {
		v |= uint64(s[i]) << (8 * i)
	}
	return v
}

// SIDs are kept in binary form. Aliases of the last line are relative to a domain.
var aliases = strings.Fields(`AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545 CD 5-32-574
	CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584 IS 5-32-568 IU 5-4 LS 5-19 LU 5-32-559 LW 16-4096
	ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556 NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10 PU 5-32-547 RA 5-32-575 RC 5-12 RD 5-32-555
	RE 5-32-552 RM 5-32-580 RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2 SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33
	AP -525 CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519 EK -527 KA -526 LA -500 LG -501 PA -520 RO -498 RS -553 SA -518`)
var canonical = regexp.MustCompile(`^S-1(-(0|[1-9][0-9]{0,9})){2,16}$`)

// parseSID reads S-1-… in canonical form, or an alias in capitals; domain is the text of the domain, or "".
func parseSID(name, domain string) string {
	full := name
	if i := slices.Index(aliases, name); i >= 0 && i%2 == 0 {
		full = pick(aliases[i+1][0] == '-', domain, "S-1-") + aliases[i+1]
	}
	check(canonical.MatchString(full), "the SID %q: write it as S-1-… in decimal numbers", name)
	parts := strings.Split(full, "-")[2:]
	b := append([]byte{1, byte(len(parts) - 1), 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(must(strconv.ParseUint(parts[0], 10, 32))))...)
	each(parts[1:], func(p string) { b = binary.LittleEndian.AppendUint32(b, uint32(must(strconv.ParseUint(p, 10, 32)))) })
	return string(b)
}
func isSID(s string) bool         { return s[0] == 1 && s[1] <= 15 && len(s) == 8+4*int(s[1]) }
func readSID(b string) string     { return b[:8+4*int(b[1])] }
func sub(s string, i byte) uint64 { return le(s[8+4*int(i):][:4]) }
func unhex(digits any) string     { return string(must(hex.DecodeString(digits.(string)))) }

// entry is an ACE; sid is of a compound entry the server's, data what follows it.
type entry struct {
	kind, effect    byte // effect: a allows, d denies, . takes no part in the walk over a DACL
	live            bool // not inherit-only
	mask            mask
	sid, guid, data string
}

func parseACL(b string) []entry {
	list, rest := []entry{}, b[8:le(b[2:4])]
	for range le(b[4:6]) {
		a := rest[:max(4, le(rest[2:4]))]
		e, at, guids := entry{kind: a[0], effect: '.', live: a[1]&8 == 0}, pick(a[0] == 4, 12, 8), 0
		if rest = rest[len(a):]; a[0] <= 0x15 { // others are unknown and do nothing
			if e.effect = "ad..aad..adad........."[a[0]]; strings.Contains("\x05\x06\x07\x08\x0b\x0c\x0f\x10", a[:1]) {
				at, guids = 12+16*int(a[8]&1)+8*int(a[8]&2), int(a[8]&1)
			}
			e.mask, e.sid, e.guid, e.data = mask(le(a[4:8])), readSID(a[at:]), a[pick(guids > 0, 12, at):pick(guids > 0, 28, at)], a[at+len(readSID(a[at:])):]
		}
		list = append(list, e)
	}
	return list
}

// parseDescriptor gives owner, SACL and DACL of self-relative bytes; a list is nil where there is none.
func parseDescriptor(b string) (owner string, sacl, dacl []entry) {
	if b = pick(b == "", strings.Repeat("\x00", 20), b); le(b[4:8]) != 0 {
		owner = readSID(b[le(b[4:8]):])
	}
	if b[2]&0x10 != 0 && le(b[12:16]) != 0 {
		sacl = parseACL(b[le(b[12:16]):])
	}
	if b[2]&4 != 0 && le(b[16:20]) != 0 {
		dacl = parseACL(b[le(b[16:20]):])
	}
	return owner, sacl, dacl
}

// claim is an attribute of token or object. A value is its kind (i integer, b boolean, s UTF-16, d SID, x octets) and bytes.
type claim struct {
	name   string // folded
	flags  uint64
	values []string
}

func unsigned(kind string, v uint64) string { return fmt.Sprintf("%s1%020d", kind, v) }
func signed(v int64) string {
	return pick(v < 0, fmt.Sprintf("i0%020d", uint64(v)), unsigned("i", uint64(v)))
}

// later are letters whose upper case came after Unicode 5.1, or is ASCII: to Windows they have none.
var later = regexp.MustCompile("[ıſƛȿɀɒɜɡɤ-ɦɪ-ɬʂʇʝʞϳԥ-ԯა-ჿᏸ-ᏽᲀ-ᲊᶎⱟⳬ-ⳳⴧ-ⴭꙡꚙ-ꚛꞑ-ꟶꭓ-ꮿ]")

// fold is UTF-16 in big-endian order, which sorts, and in upper case unless sensitive.
func fold(s string, sensitive bool) (out string) {
	for ; s != ""; s = s[2:] {
		u := rune(le(s[:2]))
		u = pick(sensitive || later.MatchString(string(u)), u, unicode.ToUpper(u))
		out += string([]byte{byte(u >> 8), byte(u)})
	}
	return out
}

// terminated is the UTF-16 before the first NUL.
func terminated(s string) string {
	i := 0
	for s[i:i+2] != "\x00\x00" {
		i += 2
	}
	return s[:i]
}

// parseAttribute reads an attribute of the object; one that cannot be read is none (S-33).
func parseAttribute(b string) (list []claim) {
	defer func() { list = pick(recover() == nil, list, nil) }()
	at := func(field uint64) string { return b[le(b[field:field+4]):] }
	c, size, kind := claim{fold(terminated(at(0)), false), le(b[8:12]), nil}, 0, "?iis?db?????????x"[le(b[4:6]):][:1]
	for i := range le(b[12:16]) {
		v := at(16 + 4*i)
		switch kind {
		case "s":
			v, size = kind+terminated(v), size+len(terminated(v))+2
		case "d", "x":
			v, size = kind+v[4:4+le(v[:4])], size+4+int(le(v[:4]))
		default:
			v, size = pick(b[4] == 1, signed(int64(le(v[:8]))), unsigned(kind, le(v[:8]))), size+8
		}
		check(kind != "d" || isSID(v[1:]), "a SID")
		check(kind != "b" || v <= unsigned("b", 1), "a boolean")
		c.values = append(c.values, v)
	}
	check(kind != "?" && c.name != "" && c.flags&0xFF00 == 0 && len(c.values) <= 4096 && size <= 65536, "an attribute")
	return []claim{c}
}

// readers give the values of claims in a token file.
var readers = map[any]func(s, domain string) string{
	"int64":   func(s, _ string) string { return signed(must(strconv.ParseInt(s, 10, 64))) },
	"uint64":  func(s, _ string) string { return unsigned("i", must(strconv.ParseUint(s, 0, 64))) },
	"boolean": func(s, _ string) string { return unsigned("b", pick[uint64](s == "false" || s == "0", 0, 1)) },
	"string":  func(s, _ string) string { return "s" + units(s) },
	"sid":     func(s, domain string) string { return "d" + parseSID(s, domain) },
	"octets":  func(s, _ string) string { return "x" + unhex(s) },
}

func units(s string) string {
	return string(must(binary.Append(nil, binary.LittleEndian, utf16.Encode([]rune(s)))))
}

func parseClaims(list any, domain string) (out []claim) {
	for _, v := range get(list, []any(nil)) {
		o := v.(map[string]any)
		c := claim{fold(units(o["name"].(string)), false), must(strconv.ParseUint(fmt.Sprint(get[any](o["flags"], 0)), 0, 32)), nil}
		each(o["values"].([]any), func(v any) { c.values = append(c.values, readers[o["type"]](fmt.Sprint(v), domain)) })
		out = append(out, c)
	}
	return out
}

// get is a field of an object, or what stands for it where it is absent or null.
func get[T any](field any, absent T) T {
	if field == nil {
		return absent
	}
	return field.(T)
}

// parseObject reads JSON that is the same when written again but for blanks and the order of keys: none is given twice.
func parseObject(text []byte) (o map[string]any) {
	var b bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	check(dec.Decode(&o) == nil && json.Compact(&b, text) == nil, "no JSON object")
	check(b.Len() == len(dense(o)), "a key is given twice, or characters are escaped: write it as refmon token show --json does")
	return o
}

// words lists things given by name, or as objects with attributes; absent are those of a bare name.
func words(list []any, key string, absent uint64, yield func(name string, attrs uint64)) {
	bits := map[any]uint64{"Mandatory": 1, "Enabled": 4, "UseForDenyOnly": 0x10, "Integrity": 0x20}
	for _, v := range list {
		o, object := v.(map[string]any)
		o = pick(object, o, map[string]any{key: v})
		attrs := pick(o["attributes"] == nil, absent, 0)
		each(get(o["attributes"], []any(nil)), func(w any) { attrs |= bits[w] })
		yield(o[key].(string), attrs)
	}
}

// token is what a decision needs of a token file.
type token struct {
	members                                map[string]byte    // by pass and SID: 1 for entries that allow, 2 for those that deny
	claims                                 map[string][]claim // by field of the file, with "restricted" for that pass
	privileges                             map[string]bool
	restricted, writeRestricted, noWriteUp bool
	level                                  uint64
	pkg, trust                             string
}

func parseToken(b []byte) *token {
	f, t := parseObject(b), &token{members: map[string]byte{}, claims: map[string][]claim{}, privileges: map[string]bool{}}
	domain, pkg := get(f["domain"], ""), []any{}
	words([]any{f["user"]}, "sid", 0, func(user string, _ uint64) {
		domain = pick(domain == "" && strings.HasPrefix(user, "S-1-5-21-"), user[:max(0, strings.LastIndexByte(user, '-'))], domain)
	})
	level := get(f["integrityLevel"], "Medium")
	rid := map[string]string{"None": "0", "Untrusted": "0", "Low": "4096", "Medium": "8192", "MediumPlus": "8448", "High": "12288", "System": "16384", "Protected": "20480"}[level]
	t.level = sub(parseSID(pick(rid == "", level, "S-1-16-"+rid), ""), 0)
	if box := get(f["appContainer"], map[string]any(nil)); box != nil {
		t.pkg = parseSID(box["packageSid"].(string), domain)
		pkg = append(get(box["capabilities"], pkg), box["packageSid"], "S-1-15-2-2", pick(get(box["lowPrivilege"], false), "S-1-15-2-2", "AC"))
	}
	for _, l := range [...]struct {
		pass                      string
		list                      any
		absent, also, allow, deny uint64 // attributes: of a bare name; of all; that count for entries that allow; that deny
	}{
		{"", []any{f["user"]}, 0, 4, 4, 0x14}, {"", f["groups"], 7, 0, 5, 0x15}, {"restricted", f["restrictedSids"], 7, 4, 4, 0x14},
		{"device", f["deviceGroups"], 7, 0, 4, 0x14}, {"restricteddevice", f["restrictedDeviceGroups"], 7, 4, 4, 0x14}, {"package", pkg, 4, 0, 4, 4},
	} {
		words(get(l.list, []any(nil)), "sid", l.absent, func(name string, a uint64) {
			s := parseSID(name, domain)
			a |= pick(a == 0 && l.pass == "package", 4, l.also)
			if l.pass == "" && a&0x20 != 0 {
				t.level = sub(s, 0)
				return
			}
			t.members[l.pass+s] |= pick[byte](a&l.allow != 0 && a&0x10 == 0, 1, 0) | pick[byte](a&l.deny != 0, 2, 0)
		})
	}
	words(get(f["privileges"], []any(nil)), "name", 4, func(name string, a uint64) { t.privileges[name] = a&4 != 0 })
	t.restricted, t.writeRestricted = get(f["restricted"], false) || len(get(f["restrictedSids"], []any(nil))) > 0, get(f["writeRestricted"], false)
	t.noWriteUp = slices.Contains(get(f["mandatoryPolicy"], []any{"NoWriteUp"}), any("NoWriteUp"))
	t.trust = parseSID(get(f["trustLevel"], "S-1-19-0-0"), domain) + strings.Repeat("\x00", 8) // none is (0, 0)
	for _, name := range []string{"UserClaims", "DeviceClaims", "LocalAttributes"} {
		own := strings.ToLower(name[:1]) + name[1:]
		t.claims[own] = parseClaims(f[own], domain)
		t.claims["restricted"+own] = parseClaims(get(f["restricted"+name], f[own]), domain)
	}
	return t
}
