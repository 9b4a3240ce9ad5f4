package nt

import (
	"strconv"
	"strings"
)

// bitName names one or several bits of a mask, for printing.
type bitName struct {
	bit  uint32
	name string
}

// joinBits returns the names of the bits that are set in m, joined by "|" in the order of names. Bits without a name
// follow in hexadecimal. It returns "0" for an empty mask.
func joinBits(m uint32, names []bitName) string {
	var parts []string
	for _, n := range names {
		if m&n.bit != 0 {
			parts = append(parts, n.name)
			m &^= n.bit
		}
	}
	if m == 0 && parts == nil {
		return "0"
	}
	if m != 0 {
		parts = append(parts, "0x"+strconv.FormatUint(uint64(m), 16))
	}
	return strings.Join(parts, "|")
}
