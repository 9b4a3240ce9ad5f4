package oracle

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Difference is the first part in which a descriptor differs from the wanted one.
type Difference struct {
	Part string // control, owner, group, dacl or sacl; in an entry: type, flags, mask or sid
	Text string
}

// controls are the names of the bits that are compared, in the order of MS-DTYP.
var controls = []struct {
	bit  uint16
	name string
}{{DACLAutoRequest, "DACL AUTO_INHERIT_REQ"}, {SACLAutoRequest, "SACL AUTO_INHERIT_REQ"},
	{DACLAutoInherited, "DACL AUTO_INHERITED"}, {SACLAutoInherited, "SACL AUTO_INHERITED"},
	{DACLProtected, "DACL PROTECTED"}, {SACLProtected, "SACL PROTECTED"}}

// Differ returns the first difference of m from want: of the owner, the group, the DACL, the SACL or the control bits,
// in this order. It returns nil if they mean the same.
func (m *Meaning) Differ(want *Meaning) *Difference {
	for _, s := range []struct{ name, have, want string }{{"owner", m.Owner, want.Owner},
		{"group", m.Group, want.Group}} {
		if s.have != s.want {
			return &Difference{s.name, fmt.Sprintf("%s: %s, want %s", s.name, sidText(s.have), sidText(s.want))}
		}
	}
	for _, l := range []struct {
		name       string
		have, want *List
	}{{"DACL", &m.DACL, &want.DACL}, {"SACL", &m.SACL, &want.SACL}} {
		if d := l.have.differ(l.want, l.name); d != nil {
			return d
		}
	}
	for _, c := range controls {
		if word := map[bool]string{true: "set", false: "clear"}; (m.Control^want.Control)&c.bit != 0 {
			return &Difference{"control", fmt.Sprintf("control: %s %s, want %s", c.name, word[m.Control&c.bit != 0],
				word[want.Control&c.bit != 0])}
		}
	}
	return nil
}

// state describes a list for a message: "absent", "NULL" or the number of entries.
func (l *List) state() string {
	switch {
	case !l.Present:
		return "absent"
	case l.Null:
		return "NULL"
	}
	return fmt.Sprintf("%d entries", len(l.Entries))
}

// differ returns the first difference of l from want, or nil. name is DACL or SACL, for the message. If all common
// entries are equal, the shorter list differs by its length. Presence and NULL come before the entries.
func (l *List) differ(want *List, name string) *Difference {
	part := strings.ToLower(name)
	if l.Present != want.Present || l.Null != want.Null {
		return &Difference{part, fmt.Sprintf("%s: %s, want %s", name, l.state(), want.state())}
	}
	for i := range min(len(l.Entries), len(want.Entries)) {
		if field, text := differEntry(l.Entries[i], want.Entries[i]); field != "" {
			return &Difference{field, fmt.Sprintf("%s entry %d: %s", name, i, text)}
		}
	}
	if len(l.Entries) != len(want.Entries) {
		return &Difference{part, fmt.Sprintf("%s: %s, want %s", name, l.state(), want.state())}
	}
	return nil
}

// differEntry returns the first field in which two binary entries differ, and the difference in words. field is
// "type", "flags", "mask", or "sid" for the rest. Equal entries return "". Entries need at least 2 bytes. A missing
// mask is "none".
func differEntry(have, want string) (field, text string) {
	hex8 := func(s string, at int) string {
		if len(s) < at+4 {
			return "none"
		}
		return fmt.Sprintf("0x%x", binary.LittleEndian.Uint32([]byte(s[at:])))
	}
	switch {
	case have == want:
		return "", ""
	case have[0] != want[0]:
		return "type", fmt.Sprintf("type 0x%x, want 0x%x", have[0], want[0])
	case have[1] != want[1]:
		return "flags", fmt.Sprintf("flags 0x%x, want 0x%x", have[1], want[1])
	case hex8(have, 4) != hex8(want, 4):
		return "mask", fmt.Sprintf("mask %s, want %s", hex8(have, 4), hex8(want, 4))
	case have[0] < AllowObject && len(have) > 8 && len(want) > 8 && have[8:] != want[8:]:
		return "sid", fmt.Sprintf("SID %s, want %s", sidText(have[8:]), sidText(want[8:]))
	}
	return "sid", fmt.Sprintf("bytes %x, want %x", have, want)
}

// sidText returns a SID in bytes as S-1-…, "none" for no bytes, and hexadecimal for bytes that are not a SID. The
// identifier authority is decimal. The revision is not shown.
func sidText(s string) string {
	b := []byte(s)
	if len(b) == 0 {
		return "none"
	}
	n, ok := sidLength(b, 0)
	if !ok || n != len(b) {
		return hex.EncodeToString(b)
	}
	out := fmt.Sprintf("S-1-%d", binary.BigEndian.Uint64(b)&(1<<48-1))
	for i := 8; i < n; i += 4 {
		out += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(b[i:]))
	}
	return out
}
