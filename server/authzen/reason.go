package authzen

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/winnt"
)

// mostReasons is the most entries that a reason lists.
const mostReasons = 8

// Reason explains on one line why a check denied rights: the names of the rights in t, and the entry or rule that
// decided. It lists at most eight reasons and the number of others. It returns "" for a nil x and for a check that
// denied nothing.
func Reason(x *access.Explanation, t *winnt.ObjectType) string {
	if x == nil {
		return ""
	}
	var order []access.Reason
	bits := map[access.Reason]winnt.AccessMask{}
	for _, b := range x.Reasons {
		if b.Granted || x.Skipped(b) {
			continue
		}
		if _, known := bits[b.Reason]; !known {
			order = append(order, b.Reason)
		}
		bits[b.Reason] |= b.Bit
	}
	var lines []string
	for i, r := range order {
		if i == mostReasons {
			lines = append(lines, fmt.Sprintf("and %d more", len(order)-i))
			break
		}
		lines = append(lines, t.Names(bits[r])+": "+phrase(x, r))
	}
	return strings.Join(lines, "; ")
}

// phrase puts one reason of a denial into words, with the deciding entry if the explanation x has one. Other kinds are
// given in their own form. A missing privilege, an empty DACL and a missing entry have a text of their own.
func phrase(x *access.Explanation, r access.Reason) string {
	switch r.Kind {
	case access.AceDeny:
		if s := decided(x, r); s != nil {
			return "denied by " + s.Entry()
		}
	case access.NoAce:
		return "no entry grants it"
	case access.EmptyDacl:
		return "the DACL has no entries"
	case access.Privilege:
		return "the privilege " + r.Privilege.String() + " is missing"
	}
	return r.String()
}

// decided finds the step of an access check in which an entry denied a right. It returns nil if r is another kind of
// reason or x does not contain the entry. The result points into x, which must not be nil.
func decided(x *access.Explanation, r access.Reason) *access.Step {
	for i := range x.Steps {
		if s := &x.Steps[i]; r.Kind == access.AceDeny && s.ACE == r.Index && s.List == r.List && s.Entry() != "" {
			return s
		}
	}
	return nil
}
