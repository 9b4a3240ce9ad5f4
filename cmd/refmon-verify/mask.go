package main

import (
	"fmt"
	"strconv"
)

type mask uint32

// Rights that have a part of their own, and statuses.
const (
	deleteRight, readControl, writeDAC, writeOwner, synchronize mask = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
	systemSecurity, maximum, generic                            mask = 0x1000000, 0x2000000, 0xF0000000
	// by an entry
	grantable                        = ^(systemSecurity | maximum | generic)
	backupRights, restoreRights mask = 0x11200A9, 0x11F0116 // Declared intent grants these.
	success, denied, invalid         = "STATUS_SUCCESS", "STATUS_ACCESS_DENIED",
		"STATUS_INVALID_PARAMETER"
)

var selfSID, ownerRights = parseSID("PS", ""), parseSID("OW", "")

func (m mask) String() string { return fmt.Sprintf("0x%08x", uint32(m)) }

func parseMask(v any) mask {
	m := mask(must(strconv.ParseUint(v.(string), 0, 32)))
	check(m.String() == v, "the mask %v: write 0x and eight digits", v)
	return m
}
