package oracle

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Types of entries, MS-DTYP 2.4.4.1.
const (
	Allow             = 0x00
	Deny              = 0x01
	Audit             = 0x02
	Alarm             = 0x03
	AllowObject       = 0x05
	DenyObject        = 0x06
	AuditObject       = 0x07
	AllowCallback     = 0x09
	DenyCallback      = 0x0A
	AllowCallbackObj  = 0x0B
	DenyCallbackObj   = 0x0C
	AuditCallback     = 0x0D
	MandatoryLabel    = 0x11
	ResourceAttribute = 0x12
	ScopedPolicy      = 0x13
)

// Flags of entries, MS-DTYP 2.4.4.1.
const (
	ObjectInherit    = 0x01
	ContainerInherit = 0x02
	NoPropagate      = 0x04
	InheritOnly      = 0x08
	Inherited        = 0x10
	AuditSuccess     = 0x40
	AuditFailure     = 0x80
)

// Control bits, MS-DTYP 2.4.6.
const (
	daclPresent       = 0x0004
	saclPresent       = 0x0010
	DACLAutoRequest   = 0x0100
	SACLAutoRequest   = 0x0200
	DACLAutoInherited = 0x0400
	SACLAutoInherited = 0x0800
	DACLProtected     = 0x1000
	SACLProtected     = 0x2000
	selfRelative      = 0x8000
	compared          = 0x3F14 // the bits that count when descriptors are compared
)

// ACE is an entry. Object and Class are GUIDs in text, "" for none.
type ACE struct {
	Type, Flags   byte
	Mask          Word
	SID           string
	Object, Class string
	Cond          *Cond  // of a callback type
	Claim         *Claim // of a resource attribute
}

// ACL is a list. A nil *ACL is absent.
type ACL struct {
	Null    bool // present and NULL: no entries
	Entries []ACE
}

// Descriptor is a security descriptor. Control has only protection and automatic inheritance.
type Descriptor struct {
	Owner, Group string // "": none
	DACL, SACL   *ACL
	Control      Word
}

// object reports whether an ACE type has object type GUIDs.
func object(typ byte) bool {
	switch typ {
	case AllowObject, DenyObject, AuditObject, 0x08, AllowCallbackObj, DenyCallbackObj, 0x0F, 0x10:
		return true
	}
	return false
}

// sidBytes returns the binary form of a SID in text (MS-DTYP 2.4.2.2). Malformed text panics.
func sidBytes(text string) []byte {
	part := strings.Split(text, "-")
	authority, err := strconv.ParseUint(part[2], 0, 48)
	if err != nil || part[0] != "S" || part[1] != "1" {
		panic("oracle: SID " + text)
	}
	out := []byte{1, byte(len(part) - 3)}
	out = append(out, binary.BigEndian.AppendUint64(nil, authority)[2:]...)
	for _, p := range part[3:] {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			panic("oracle: SID " + text)
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return out
}

// guidBytes returns the binary form of a GUID in text (S-15). Malformed text panics.
func guidBytes(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != 16 {
		panic("oracle: GUID " + text)
	}
	for _, swap := range [][2]int{{0, 3}, {1, 2}, {4, 5}, {6, 7}} {
		b[swap[0]], b[swap[1]] = b[swap[1]], b[swap[0]]
	}
	return b
}

// bytes returns the binary form of an entry (MS-DTYP 2.4.4). It pads to a multiple of 4.
func (a *ACE) bytes() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{a.Type, a.Flags, 0, 0}, uint32(a.Mask))
	if object(a.Type) {
		var flags uint32
		var guids []byte
		if a.Object != "" {
			flags, guids = 1, guidBytes(a.Object)
		}
		if a.Class != "" {
			flags, guids = flags|2, append(guids, guidBytes(a.Class)...)
		}
		b = append(binary.LittleEndian.AppendUint32(b, flags), guids...)
	}
	b = append(b, sidBytes(a.SID)...)
	if a.Cond != nil {
		b = append(b, a.Cond.program()...)
	}
	if a.Claim != nil {
		b = append(b, a.Claim.bytes()...)
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// bytes returns the list in binary (MS-DTYP 2.4.5). The revision is 4 if an entry has object types, and
// otherwise 2. A NULL list, which is not a nil l, gives the bytes of an empty one.
func (l *ACL) bytes() []byte {
	revision := byte(2)
	var body []byte
	for i := range l.Entries {
		if object(l.Entries[i].Type) {
			revision = 4 // An object entry needs revision 4 (S-16).
		}
		body = append(body, l.Entries[i].bytes()...)
	}
	b := binary.LittleEndian.AppendUint16([]byte{revision, 0}, uint16(8+len(body)))
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(l.Entries))), body...)
}

// Bytes returns the self-relative form, in the order of S-25. A NULL list has its present bit and offset 0, a missing
// one neither.
func (d *Descriptor) Bytes() []byte {
	control := uint16(d.Control) | selfRelative
	b := make([]byte, 20)
	b[0] = 1
	put := func(at int, part []byte) {
		binary.LittleEndian.PutUint32(b[at:], uint32(len(b)))
		b = append(b, part...)
	}
	for _, l := range []struct {
		list *ACL
		bit  uint16
		at   int
	}{{d.SACL, saclPresent, 12}, {d.DACL, daclPresent, 16}} {
		if l.list == nil {
			continue
		}
		control |= l.bit
		if !l.list.Null {
			put(l.at, l.list.bytes())
		}
	}
	if d.Owner != "" {
		put(4, sidBytes(d.Owner))
	}
	if d.Group != "" {
		put(8, sidBytes(d.Group))
	}
	binary.LittleEndian.PutUint16(b[2:], control)
	return b
}

// Hex returns Bytes in hexadecimal.
func (d *Descriptor) Hex() string { return hex.EncodeToString(d.Bytes()) }

// typeNames are the tokens of SDDL, MS-DTYP 2.5.1.1.
var typeNames = map[byte]string{Allow: "A", Deny: "D", Audit: "AU", Alarm: "AL", AllowObject: "OA", DenyObject: "OD",
	AuditObject: "OU", AllowCallback: "XA", DenyCallback: "XD", AuditCallback: "XU", AllowCallbackObj: "ZA",
	MandatoryLabel: "ML", ResourceAttribute: "RA", ScopedPolicy: "SP"}

var flagNames = []struct {
	bit  byte
	name string
}{{1, "OI"}, {2, "CI"}, {4, "NP"}, {8, "IO"}, {16, "ID"}, {64, "SA"}, {128, "FA"}}

// text returns the entry in SDDL, with words for rights and SIDs.
func (a *ACE) text(words Words) string {
	var flags strings.Builder
	for _, f := range flagNames {
		if a.Flags&f.bit != 0 {
			flags.WriteString(f.name)
		}
	}
	out := fmt.Sprintf("(%s;%s;%s;%s;%s;%s", typeNames[a.Type], flags.String(), words.rights(a), a.Object, a.Class,
		words.sid(a.SID))
	if a.Cond != nil {
		out += ";" + a.Cond.Text()
	}
	if a.Claim != nil {
		out += ";" + a.Claim.text()
	}
	return out + ")"
}

// text returns the entries in SDDL, NO_ACCESS_CONTROL for a NULL list, and "" for an empty one.
func (l *ACL) text(words Words) string {
	if l.Null {
		return "NO_ACCESS_CONTROL"
	}
	var b strings.Builder
	for i := range l.Entries {
		b.WriteString(l.Entries[i].text(words))
	}
	return b.String()
}

// Text returns the descriptor in SDDL. Absent parts are omitted. Flags of the SACL are those of its own control bits.
func (d *Descriptor) Text(words Words) string {
	var b strings.Builder
	if d.Owner != "" {
		b.WriteString("O:" + words.sid(d.Owner))
	}
	if d.Group != "" {
		b.WriteString("G:" + words.sid(d.Group))
	}
	for i, l := range []*ACL{d.DACL, d.SACL} {
		if l == nil {
			continue
		}
		b.WriteString([]string{"D:", "S:"}[i])
		for _, f := range []struct {
			bit  Word
			name string
		}{{DACLProtected, "P"}, {DACLAutoRequest, "AR"}, {DACLAutoInherited, "AI"}} {
			if d.Control>>i&f.bit != 0 {
				b.WriteString(f.name)
			}
		}
		b.WriteString(l.text(words))
	}
	return b.String()
}

// SDDL returns the text that the kit's questions have: SIDs and hexadecimal masks only.
func (d *Descriptor) SDDL() string { return d.Text(Words{}) }
