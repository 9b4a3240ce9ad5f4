package oracle

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

var errBytes = errors.New("the bytes are not a self-relative security descriptor: check the offsets and lengths")

// Meaning is the normal form of a descriptor: two descriptors mean the same if and only if the texts of their
// Meanings are equal.
type Meaning struct {
	Control      uint16 // the bits that are compared
	Owner, Group string // bytes; "" for none
	SACL, DACL   List
}

// List is a list of a Meaning.
type List struct {
	Present, Null bool
	Entries       []string // bytes
}

// Canon returns the meaning of the bytes of a self-relative descriptor. These are ignored: offsets, the order of
// parts, the revisions of lists, control bits that are not compared, and those of an absent list. If open is true, a
// NULL DACL counts as absent, because neither restricts anything. Malformed bytes are an error.
func Canon(b []byte, open bool) (*Meaning, error) {
	if len(b) < 20 || b[0] != 1 {
		return nil, errBytes
	}
	control := binary.LittleEndian.Uint16(b[2:])
	if control&selfRelative == 0 {
		return nil, errBytes
	}
	if open && binary.LittleEndian.Uint32(b[16:]) == 0 {
		control &^= daclPresent
	}
	if control&daclPresent == 0 {
		control &^= DACLAutoRequest | DACLAutoInherited | DACLProtected
	}
	if control&saclPresent == 0 {
		control &^= SACLAutoRequest | SACLAutoInherited | SACLProtected
	}
	m := &Meaning{Control: control & compared}
	for i, to := range []*string{&m.Owner, &m.Group} {
		at := binary.LittleEndian.Uint32(b[4+4*i:])
		if at == 0 {
			continue
		}
		n, ok := sidLength(b, at)
		if !ok {
			return nil, errBytes
		}
		*to = string(b[at : int(at)+n])
	}
	for i, l := range []struct {
		to  *List
		bit uint16
	}{{&m.SACL, saclPresent}, {&m.DACL, daclPresent}} {
		at := binary.LittleEndian.Uint32(b[12+4*i:])
		if control&l.bit == 0 {
			continue
		}
		if l.to.Present = true; at == 0 {
			l.to.Null = true
			continue
		}
		if !canonList(l.to, b, at) {
			return nil, errBytes
		}
	}
	return m, nil
}

// String returns a text that two meanings share if and only if they are equal.
func (m *Meaning) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "control %x", m.Control)
	for _, s := range []struct{ name, bytes string }{{" owner ", m.Owner}, {" group ", m.Group}} {
		if s.bytes != "" {
			out.WriteString(s.name + hex.EncodeToString([]byte(s.bytes)))
		}
	}
	for _, l := range []struct {
		name string
		*List
	}{{" sacl", &m.SACL}, {" dacl", &m.DACL}} {
		if !l.Present {
			continue
		}
		if out.WriteString(l.name); l.Null {
			out.WriteString(" null")
		}
		for _, e := range l.Entries {
			out.WriteString(" " + hex.EncodeToString([]byte(e)))
		}
	}
	return out.String()
}

// sidLength returns the length of the SID at offset at of b; false if there is no whole SID.
func sidLength(b []byte, at uint32) (n int, ok bool) {
	if uint64(at)+8 > uint64(len(b)) || b[at] != 1 || b[at+1] > 15 {
		return 0, false
	}
	n = 8 + 4*int(b[at+1])
	return n, int(at)+n <= len(b)
}

// canonList adds the entries of the list at offset at of b to out. It returns false if the list is malformed. Entries
// before the malformed one stay in out. Bytes after the last entry are ignored.
func canonList(out *List, b []byte, at uint32) bool {
	if uint64(at)+8 > uint64(len(b)) {
		return false
	}
	l := b[at:]
	size, count := int(binary.LittleEndian.Uint16(l[2:])), int(binary.LittleEndian.Uint16(l[4:]))
	if size < 8 || size > len(l) {
		return false
	}
	l = l[8:size]
	for range count {
		if len(l) < 4 {
			return false
		}
		n := int(binary.LittleEndian.Uint16(l[2:]))
		if n < 4 || n > len(l) {
			return false
		}
		out.Entries = append(out.Entries, string(l[:n]))
		l = l[n:]
	}
	return true
}
