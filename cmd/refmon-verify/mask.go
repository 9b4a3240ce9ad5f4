package main

import (
	"fmt"
	"strconv"
)

// mask is an access mask, a set of rights.
type mask uint32

// Rights with special treatment.
const (
	deleteRight    mask = 0x10000
	readControl    mask = 0x20000
	writeDAC       mask = 0x40000
	writeOwner     mask = 0x80000
	synchronize    mask = 0x100000
	systemSecurity mask = 0x1000000
	maximum        mask = 0x2000000 // MAXIMUM_ALLOWED: all rights that the caller can get
	genericAll     mask = 0x10000000
	generic        mask = 0xF0000000

	grantable          = ^(systemSecurity | maximum | generic) // by an entry
	backupRights  mask = 0x11200A9                             // declared intent grants these
	restoreRights mask = 0x11F0116
)

// String returns 0x and eight digits.
func (m mask) String() string { return fmt.Sprintf("0x%08x", uint32(m)) }

// parseMask parses a mask of a certificate. It panics for any other form than that of String.
func parseMask(v any) mask {
	m := mask(must(strconv.ParseUint(v.(string), 0, 32)))
	check(m.String() == v, "the mask %v: write 0x and eight digits", v)
	return m
}

// mapped replaces the generic rights of a mask by those of the object's type.
func (q *query) mapped(m mask) mask {
	for i, rights := range q.mapping {
		if m&(0x80000000>>i) != 0 {
			m |= rights
		}
	}
	return m &^ generic
}
