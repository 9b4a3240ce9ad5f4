package nt

import (
	"strconv"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// SecurityInformation is SECURITY_INFORMATION: the parts of a descriptor that
// a call is about.
type SecurityInformation uint32

// String joins the documented names without their common suffix by "|".
func (i SecurityInformation) String() string {
	return joinBits(uint32(i), []bitName{
		{winnt.OWNER_SECURITY_INFORMATION, "OWNER"}, {winnt.GROUP_SECURITY_INFORMATION, "GROUP"}, {winnt.DACL_SECURITY_INFORMATION, "DACL"}, {winnt.SACL_SECURITY_INFORMATION, "SACL"},
		{winnt.LABEL_SECURITY_INFORMATION, "LABEL"}, {winnt.ATTRIBUTE_SECURITY_INFORMATION, "ATTRIBUTE"}, {winnt.SCOPE_SECURITY_INFORMATION, "SCOPE"},
		{winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, "PROCESS_TRUST_LABEL"}, {winnt.ACCESS_FILTER_SECURITY_INFORMATION, "ACCESS_FILTER"}, {winnt.BACKUP_SECURITY_INFORMATION, "BACKUP"},
		{winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, "UNPROTECTED_SACL"}, {winnt.UNPROTECTED_DACL_SECURITY_INFORMATION, "UNPROTECTED_DACL"},
		{winnt.PROTECTED_SACL_SECURITY_INFORMATION, "PROTECTED_SACL"}, {winnt.PROTECTED_DACL_SECURITY_INFORMATION, "PROTECTED_DACL"},
	})
}

// DuplicateOptions are the options of NtDuplicateObject, DUPLICATE_*.
type DuplicateOptions uint32

// String joins the documented names without their common prefix by "|".
func (o DuplicateOptions) String() string {
	return joinBits(uint32(o), []bitName{
		{winnt.DUPLICATE_CLOSE_SOURCE, "CLOSE_SOURCE"}, {winnt.DUPLICATE_SAME_ACCESS, "SAME_ACCESS"}, {winnt.DUPLICATE_SAME_ATTRIBUTES, "SAME_ATTRIBUTES"},
	})
}

type bitName struct {
	bit  uint32
	name string
}

// joinBits prints a mask by names, what has none in hexadecimal, "0" if empty.
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
