package oracle

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

var errBytes = errors.New("the bytes are no self-relative security descriptor: check the offsets and lengths")

// Canon returns the meaning of self-relative bytes as a text: two descriptors mean the same if and only if their texts
// are equal. Offsets, the order of parts, revisions of lists, the other control bits and those of a list that is absent
// do not count. With open, a NULL DACL counts as absent: neither restricts anything. Malformed bytes are an error.
func Canon(b []byte, open bool) (string, error) {
	if len(b) < 20 || b[0] != 1 {
		return "", errBytes
	}
	control := binary.LittleEndian.Uint16(b[2:])
	if control&selfRelative == 0 {
		return "", errBytes
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
	var out strings.Builder
	fmt.Fprintf(&out, "control %x", control&compared)
	for i, name := range []string{" owner ", " group "} {
		at := binary.LittleEndian.Uint32(b[4+4*i:])
		if at == 0 {
			continue
		}
		n, ok := sidLength(b, at)
		if !ok {
			return "", errBytes
		}
		out.WriteString(name + hex.EncodeToString(b[at:int(at)+n]))
	}
	for i, l := range []struct {
		name string
		bit  uint16
	}{{" sacl", saclPresent}, {" dacl", daclPresent}} {
		at := binary.LittleEndian.Uint32(b[12+4*i:])
		if control&l.bit == 0 {
			continue
		}
		if out.WriteString(l.name); at == 0 {
			out.WriteString(" null")
			continue
		}
		if !canonList(&out, b, at) {
			return "", errBytes
		}
	}
	return out.String(), nil
}

func sidLength(b []byte, at uint32) (n int, ok bool) {
	if uint64(at)+8 > uint64(len(b)) || b[at] != 1 || b[at+1] > 15 {
		return 0, false
	}
	n = 8 + 4*int(b[at+1])
	return n, int(at)+n <= len(b)
}

func canonList(out *strings.Builder, b []byte, at uint32) bool {
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
		out.WriteString(" " + hex.EncodeToString(l[:n]))
		l = l[n:]
	}
	return true
}
