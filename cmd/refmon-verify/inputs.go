package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sid is the binary form of a SID.
type sid string

const (
	selfSID, ownerRights        sid = "\x01\x01\x00\x00\x00\x00\x00\x05\x0a\x00\x00\x00", "\x01\x01\x00\x00\x00\x00\x00\x03\x04\x00\x00\x00"
	allPackages, restrictedOnes sid = "\x01\x02\x00\x00\x00\x00\x00\x0f\x02\x00\x00\x00\x01\x00\x00\x00", "\x01\x02\x00\x00\x00\x00\x00\x0f\x02\x00\x00\x00\x02\x00\x00\x00"
)

func (s sid) is(authority byte, subs int) bool {
	return s[2:8] == "\x00\x00\x00\x00\x00"+sid([]byte{authority}) && int(s[1]) == subs
}
func (s sid) sub(i int) uint32 { return binary.LittleEndian.Uint32([]byte(s[8+4*i:])) }
func (s sid) rid() uint32      { return s.sub(int(s[1]) - 1) }

// Aliases of SIDs; the last line's are relative to a domain.
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
	if len(parts) < 4 || len(parts) > 18 || parts[0] != "S" || parts[1] != "1" {
		panic(unable("the SID %q: write it as S-1-…", text))
	}
	b := make([]byte, 8)
	for i, p := range parts[2:] {
		v, err := strconv.ParseUint(p, 10, 32)
		if err != nil || strconv.FormatUint(v, 10) != p {
			panic(unable("the SID %q: write it in decimal numbers of 32 bits", text))
		}
		if i == 0 {
			binary.BigEndian.PutUint64(b, v)
		} else {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
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

type entry struct {
	index       int
	kind, flags byte
	mask        uint32
	sid         sid
	typed       bool // an object entry that names a type
}

func (e *entry) live() bool { return e.flags&8 == 0 }                                     // not inherit-only
func (e *entry) deny() bool { return e.kind == 1 || e.kind == 6 }                         // denies
func (e *entry) acts() bool { return e.deny() || e.kind == 0 || e.kind == 5 && !e.typed }

func parseDescriptor(b []byte) (d descriptor) {
	part := func(at int) []byte {
		if off := binary.LittleEndian.Uint32(b[at:]); off != 0 {
			return b[off:]
		}
		return nil
	}
	control := binary.LittleEndian.Uint16(b[2:])
	if o := part(4); o != nil {
		d.owner = readSID(o)
	}
	if l := part(12); l != nil && control&0x10 != 0 {
		d.sacl = parseACL(l, true)
	}
	if l := part(16); l != nil && control&4 != 0 {
		d.hasDACL, d.dacl = true, parseACL(l, false)
	}
	return d
}

func readSID(b []byte) sid {
	if b[0] != 1 || b[1] > 15 {
		panic("a SID in the descriptor")
	}
	return sid(b[:8+4*int(b[1])])
}

func parseACL(b []byte, system bool) (list []entry) {
	n := binary.LittleEndian.Uint16(b[4:])
	b = b[8:binary.LittleEndian.Uint16(b[2:])]
	for i := range int(n) {
		size := binary.LittleEndian.Uint16(b[2:])
		e := entry{index: i, kind: b[0], flags: b[1]}
		e.read(b[:size], system)
		list, b = append(list, e), b[max(size, 4):]
	}
	return list
}

// read takes an entry apart and refuses one that needs more than this program
// knows. An unknown type takes no part.
func (e *entry) read(b []byte, system bool) {
	at := 8
	switch k := e.kind; {
	case k > 0x15:
		return
	case !system && (k == 4 || k >= 9 && k <= 12):
		panic(unable("entry %d of the DACL is of type %#02x: compound, or with a condition", e.index, k))
	case system && k == 0x15 && e.live():
		panic(unable("entry %d of the SACL is an access filter", e.index))
	case k == 4:
		at = 12
	case slices.Contains([]byte{5, 6, 7, 8, 11, 12, 15, 16}, k):
		e.typed = b[8]&1 != 0
		at = 12 + 16*int(b[8]&1) + 8*int(b[8]&2)
	}
	e.mask, e.sid = binary.LittleEndian.Uint32(b[4:]), readSID(b[at:])
}

type token struct {
	allow, deny                               map[sid]bool
	restrictedAllow, restrictedDeny           map[sid]bool
	capabilities                              map[sid]bool
	privileges                                map[string]bool
	restricted, writeRestricted, lowPrivilege bool
	noWriteUp                                 bool
	level                                     uint32
	pkg, trust                                sid
}

// object reads a JSON value; the keys of an object must differ, null counts as
// absent.
func object(d *json.Decoder) any {
	t, err := d.Token()
	if err != nil {
		panic(err)
	}
	switch t {
	case json.Delim('{'):
		out, seen := map[string]any{}, map[string]bool{}
		for d.More() {
			k := object(d).(string)
			v := object(d)
			if seen[k] {
				panic(fmt.Errorf("%q twice in the token file", k))
			}
			if seen[k] = true; v != nil {
				out[k] = v
			}
		}
		t, _ = d.Token()
		return out
	case json.Delim('['):
		out := []any{}
		for d.More() {
			out = append(out, object(d))
		}
		t, _ = d.Token()
		return out
	}
	return t
}

// get is a field, or what stands for it where it is absent.
func get[T any](o map[string]any, key string, absent T) T {
	if v, ok := o[key]; ok {
		return v.(T)
	}
	return absent
}

func words(v []any) (out []string) {
	for _, x := range v {
		out = append(out, x.(string))
	}
	return out
}

var attributes = map[string]uint32{"Mandatory": 1, "EnabledByDefault": 2, "Enabled": 4, "Owner": 8, "UseForDenyOnly": 0x10,
	"Integrity": 0x20, "IntegrityEnabled": 0x40, "Resource": 0x20000000, "LogonId": 0xC0000000}

// group reads a SID with attributes, those of bare where it has none.
func group(v any, domain string, bare uint32) (sid, uint32) {
	o, ok := v.(map[string]any)
	if !ok {
		return parseSID(v.(string), domain), bare
	}
	if a, ok := o["attributes"]; ok {
		bare = 0
		for _, w := range words(a.([]any)) {
			bare |= attributes[w]
		}
	}
	return parseSID(o["sid"].(string), domain), bare
}

var levels = map[string]uint32{"None": 0, "Untrusted": 0, "Low": 4096, "Medium": 8192, "MediumPlus": 8448, "High": 12288, "System": 16384, "Protected": 20480}

// parseToken reads what a decision needs of a token file.
func parseToken(b []byte) (t token) {
	f := object(json.NewDecoder(bytes.NewReader(b))).(map[string]any)
	user, ok := f["user"].(string)
	if !ok {
		user = f["user"].(map[string]any)["sid"].(string)
	}
	domain := get(f, "domain", "")
	if domain == "" && strings.HasPrefix(user, "S-1-5-21-") {
		domain = user[:strings.LastIndexByte(user, '-')]
	}
	s, a := group(f["user"], domain, 0)
	t.allow, t.deny = map[sid]bool{s: a&0x10 == 0}, map[sid]bool{s: true}
	level := get(f, "integrityLevel", "Medium")
	if t.level, ok = levels[level]; !ok {
		t.level = parseSID(level, "").rid()
	}
	for _, g := range get(f, "groups", []any(nil)) {
		switch s, a := group(g, domain, 7); {
		case a&0x20 != 0:
			t.level = s.rid()
		case a&0x10 != 0:
			t.deny[s] = true
		case a&5 != 0: // Mandatory implies Enabled
			t.allow[s], t.deny[s] = true, true
		}
	}
	t.noWriteUp = slices.Contains(words(get(f, "mandatoryPolicy", []any{"NoWriteUp"})), "NoWriteUp")
	t.privileges, t.capabilities, t.restrictedAllow, t.restrictedDeny = map[string]bool{}, map[sid]bool{}, map[sid]bool{}, map[sid]bool{}
	for _, p := range get(f, "privileges", []any(nil)) {
		if o, ok := p.(map[string]any); ok {
			t.privileges[o["name"].(string)] = slices.Contains(words(get(o, "attributes", []any{"Enabled"})), "Enabled")
		} else {
			t.privileges[p.(string)] = true
		}
	}
	t.restricted, t.writeRestricted = get(f, "restricted", false), get(f, "writeRestricted", false)
	for _, g := range get(f, "restrictedSids", []any(nil)) {
		s, a := group(g, domain, 7)
		t.restricted, t.restrictedDeny[s] = true, true
		t.restrictedAllow[s] = t.restrictedAllow[s] || a&0x10 == 0
	}
	if o := get(f, "appContainer", map[string]any(nil)); o != nil {
		t.pkg, t.lowPrivilege = parseSID(o["packageSid"].(string), domain), get(o, "lowPrivilege", false)
		for _, g := range get(o, "capabilities", []any(nil)) {
			s, a := group(g, domain, 4)
			t.capabilities[s] = t.capabilities[s] || (a == 0 || a&4 != 0) && a&0x10 == 0
		}
	}
	if l := get(f, "trustLevel", ""); l != "" {
		t.trust = parseSID(l, domain)
	}
	return t
}
