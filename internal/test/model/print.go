package model

import (
	"fmt"
	"github.com/refmon/refmon/winnt"
	"strings"
)

// String returns a line for a transcript.
func (v Value) String() string {
	var groups []string
	for _, g := range v.Groups {
		mark := ""
		if g.DenyOnly {
			mark = " deny-only"
		} else if !g.Enabled {
			mark = " disabled"
		}
		groups = append(groups, string(g.Name)+mark)
	}
	s := fmt.Sprintf("%s of %s [%s]", v.Type, v.User, strings.Join(groups, ", "))
	if v.Type == winnt.TokenImpersonation {
		s += " at " + v.Level.String()
	}
	if v.Restricted != nil {
		s += fmt.Sprintf(", restricted to %s", v.Restricted)
	}
	s += fmt.Sprintf(", integrity %#x, elevation %d, owner %s, logon %#x, origin %#x, privileges", v.Integrity,
		v.Elevation, v.Owner, v.Logon, v.Origin)
	for p := winnt.Privilege(1); p < 64; p++ {
		if v.Held.has(p) {
			mark := " "
			if !v.Enabled.has(p) {
				mark = " -"
			}
			s += mark + strings.TrimSuffix(p.String(), "Privilege")
		}
	}
	return s
}

// String returns a line for a transcript.
func (d *Descriptor) String() string {
	if d == nil {
		return "nothing"
	}
	s := "owner " + string(d.Owner)
	if d.NoDACL {
		s += ", no DACL"
	}
	for _, e := range d.Entries {
		word := " allow "
		if e.Deny {
			word = " deny "
		}
		s += fmt.Sprintf(",%s%s %#x", word, e.Name, uint32(e.Mask))
	}
	if d.Policy != 0 {
		s += fmt.Sprintf(", label %#x policy %d", d.Label, d.Policy)
	}
	return s
}
