package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// sid is the binary form of a SID.
type sid string

var selfSID, ownerRights, allPackages, restrictedPackages = parseSID("PS", ""), parseSID("OW", ""), parseSID("AC", ""), parseSID("S-1-15-2-2", "")

// is reports an authority, and a number of sub-authorities of at least one.
func (s sid) is(authority byte, subs byte) bool {
	return subs > 0 && s[1] == subs && strings.HasPrefix(string(s[2:]), "\x00\x00\x00\x00\x00"+string([]byte{authority}))
}
func (s sid) sub(i byte) uint32 { return binary.LittleEndian.Uint32([]byte(s[8+4*int(i):])) }
func (s sid) rid() uint32       { return s.sub(s[1] - 1) }

// Aliases of SIDs; those of the last line are relative to a domain.
var aliases = strings.Fields(`AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545 CD 5-32-574
	CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584 IS 5-32-568 IU 5-4 LS 5-19 LU 5-32-559 LW 16-4096
	ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556 NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10 PU 5-32-547 RA 5-32-575 RC 5-12 RD 5-32-555
	RE 5-32-552 RM 5-32-580 RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2 SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33
	AP -525 CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519 EK -527 KA -526 LA -500 LG -501 PA -520 RO -498 RS -553 SA -518`)

// parseSID reads S-1-… in canonical form, or an alias in capitals; domain is
// the text of the domain, or "".
func parseSID(text, domain string) sid {
	full := text
	if i := slices.Index(aliases, text); i >= 0 && len(text) == 2 {
		if full = "S-1-" + aliases[i+1]; aliases[i+1][0] == '-' {
			full = domain + aliases[i+1]
		}
	}
	parts := strings.Split(full, "-")
	if len(parts) < 4 || len(parts) > 18 || parts[0]+parts[1] != "S1" {
		panic(unable("the SID %q: write it as S-1-…", text))
	}
	var b []byte
	for i, p := range parts[2:] {
		v, err := strconv.ParseUint(p, 10, 32)
		if err != nil || strconv.FormatUint(v, 10) != p {
			panic(unable("the SID %q: write it in decimal numbers of 32 bits", text))
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
		if i == 0 {
			b = binary.BigEndian.AppendUint64(nil, v)
		}
	}
	b[0], b[1] = 1, byte(len(parts)-3)
	return sid(b)
}

type descriptor struct {
	owner      sid
	hasDACL    bool
	dacl, sacl []entry
}

// entry is an ACE. acts: it can take part in the walk over a DACL.
type entry struct {
	kind       byte
	mask       uint32
	sid        sid
	acts, deny bool
	live       bool // not inherit-only
}

func parseDescriptor(b []byte) (d descriptor) {
	at := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	if o := at(4); o != 0 {
		d.owner = readSID(b[o:])
	}
	if o := at(12); o != 0 && b[2]&0x10 != 0 {
		d.sacl = parseACL(b[o:], true)
	}
	if o := at(16); o != 0 && b[2]&4 != 0 {
		d.hasDACL, d.dacl = true, parseACL(b[o:], false)
	}
	return d
}

func readSID(b []byte) sid { return sid(b[:8+4*int(b[1])]) }

func parseACL(b []byte, system bool) (list []entry) {
	n := binary.LittleEndian.Uint16(b[4:])
	b = b[8:binary.LittleEndian.Uint16(b[2:])]
	for range n {
		size := binary.LittleEndian.Uint16(b[2:])
		list, b = append(list, parseEntry(b[:size], system)), b[max(size, 4):]
	}
	return list
}

// parseEntry takes an entry apart and refuses one that needs more than this
// program knows. Unknown types and audit entries take no part.
func parseEntry(b []byte, system bool) entry {
	k, at, typed := b[0], 8, false
	e := entry{kind: k, live: b[1]&8 == 0, deny: k == 1 || k == 6}
	switch {
	case k > 0x15 || system && k != 0x11 && k != 0x14 && k != 0x15:
		return e
	case !system && (k == 4 || k >= 9 && k <= 12) || system && k == 0x15 && e.live:
		panic(unable("an entry of type %#02x: compound, with a condition, or an access filter", k))
	case slices.Contains([]byte{5, 6, 7, 8, 11, 12, 15, 16}, k):
		at, typed = 12+16*int(b[8]&1)+8*int(b[8]&2), b[8]&1 != 0
	}
	e.mask, e.sid = binary.LittleEndian.Uint32(b[4:]), readSID(b[at:])
	e.acts = e.live && (e.deny || k == 0 || k == 5 && !typed)
	return e
}

// side is whom a token stands for in one pass: who counts for entries that
// allow, and who for those that deny.
type side struct{ allow, deny map[sid]bool }

func (d side) add(s sid, allow, deny bool) {
	d.allow[s], d.deny[s] = d.allow[s] || allow, d.deny[s] || deny
}

type token struct {
	sides                                  map[string]side // by the name of the pass
	privileges                             map[string]bool
	restricted, writeRestricted, noWriteUp bool
	level                                  uint32
	pkg, trust                             sid
}

// get is a field, or what stands for it where it is absent or null.
func get[T any](o map[string]any, key string, absent T) T {
	if v, ok := o[key]; ok && v != nil {
		return v.(T)
	}
	return absent
}

var attributes = map[string]uint32{"Mandatory": 1, "Enabled": 4, "UseForDenyOnly": 0x10, "Integrity": 0x20}

// groups yields SIDs with attributes, those of bare where one has none.
func groups(list []any, domain string, bare uint32, yield func(s sid, attrs uint32)) {
	for _, v := range list {
		if text, ok := v.(string); ok {
			yield(parseSID(text, domain), bare)
			continue
		}
		o, a := v.(map[string]any), bare
		if words := get(o, "attributes", []any(nil)); words != nil {
			a = 0
			for _, w := range words {
				a |= attributes[w.(string)]
			}
		}
		yield(parseSID(o["sid"].(string), domain), a)
	}
}

// parseObject reads JSON that is the same when written again but for blanks and
// the order of keys: none is given twice.
func parseObject(b []byte) (o map[string]any) {
	var dense, again bytes.Buffer
	enc := json.NewEncoder(&again)
	enc.SetEscapeHTML(false)
	if json.Unmarshal(b, &o) != nil || json.Compact(&dense, b) != nil || enc.Encode(o) != nil {
		panic("the token file")
	}
	if dense.Len()+1 != again.Len() {
		panic(unable("the token file has a key twice, or escapes: write it as refmon token show --json does"))
	}
	return o
}

var levels = map[string]uint32{"None": 0, "Untrusted": 0, "Low": 4096, "Medium": 8192, "MediumPlus": 8448, "High": 12288, "System": 16384, "Protected": 20480}

// parseToken reads what a decision needs of a token file.
func parseToken(b []byte) (t token) {
	f := parseObject(b)
	user, _ := f["user"].(string)
	if o, is := f["user"].(map[string]any); is {
		user = o["sid"].(string)
	}
	domain := get(f, "domain", "")
	if domain == "" && strings.HasPrefix(user, "S-1-5-21-") {
		domain = user[:strings.LastIndexByte(user, '-')]
	}
	list := func(key string) []any { return get(f, key, []any(nil)) }
	t.sides, t.privileges = map[string]side{}, map[string]bool{}
	for _, pass := range []string{"", "restricted", "package"} {
		t.sides[pass] = side{map[sid]bool{}, map[sid]bool{}}
	}
	groups([]any{f["user"]}, domain, 0, func(s sid, a uint32) { t.sides[""].add(s, a&0x10 == 0, true) })
	level := get(f, "integrityLevel", "Medium")
	if t.level = levels[level]; t.level == 0 && level != "None" && level != "Untrusted" {
		t.level = parseSID(level, "").rid()
	}
	groups(list("groups"), domain, 7, func(s sid, a uint32) {
		if a&0x20 != 0 {
			t.level = s.rid()
			return
		}
		t.sides[""].add(s, a&5 != 0 && a&0x10 == 0, a&0x15 != 0) // Mandatory implies Enabled
	})
	t.noWriteUp = slices.Contains(get(f, "mandatoryPolicy", []any{"NoWriteUp"}), any("NoWriteUp"))
	for _, p := range list("privileges") {
		o, ok := p.(map[string]any)
		if !ok {
			o = map[string]any{"name": p}
		}
		t.privileges[o["name"].(string)] = slices.Contains(get(o, "attributes", []any{"Enabled"}), any("Enabled"))
	}
	t.restricted, t.writeRestricted = get(f, "restricted", false) || len(list("restrictedSids")) > 0, get(f, "writeRestricted", false)
	groups(list("restrictedSids"), domain, 7, func(s sid, a uint32) { t.sides["restricted"].add(s, a&0x10 == 0, true) })
	if o := get(f, "appContainer", map[string]any(nil)); o != nil {
		t.pkg = parseSID(o["packageSid"].(string), domain)
		t.sides["package"].add(t.pkg, true, true)
		t.sides["package"].add(restrictedPackages, true, true)
		if !get(o, "lowPrivilege", false) {
			t.sides["package"].add(allPackages, true, true)
		}
		groups(get(o, "capabilities", []any(nil)), domain, 4, func(s sid, a uint32) {
			enabled := (a == 0 || a&4 != 0) && a&0x10 == 0
			t.sides["package"].add(s, enabled, enabled)
		})
	}
	if l := get(f, "trustLevel", ""); l != "" {
		t.trust = parseSID(l, domain)
	}
	return t
}
