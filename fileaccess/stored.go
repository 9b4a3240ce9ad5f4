package fileaccess

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Stored returns the form in which a descriptor is stored for a file. Every server interprets this form in the same
// way, and it grants nothing to a later logon. Stored maps the generic bits of effective entries (F-201) and removes
// grants to a logon session (F-199). All code that stores a descriptor for a file must call it. It returns d itself
// if nothing changes, and nil for nil.
//
// Stored refuses a descriptor that names a logon session in any other way, because removing a deny entry would grant
// rights. The status is STATUS_INVALID_ACL for an entry, STATUS_INVALID_OWNER for the owner, and
// STATUS_INVALID_PRIMARY_GROUP for the group.
func Stored(d *sd.Descriptor) (*sd.Descriptor, ntstatus.Status) {
	switch {
	case d == nil:
		return nil, ntstatus.Success
	case isSession(d.Owner()):
		// The next user of the session's number would own the file (F-199).
		return nil, ntstatus.InvalidOwner
	case isSession(d.Group()):
		return nil, ntstatus.InvalidPrimaryGroup
	}
	refused := false
	form := func(a sd.ACE) (sd.ACE, bool) {
		if NamesSession(a) {
			// A grant to a session ends with the session; anything else that names one is refused (F-199).
			refused = refused || !a.Type().IsAllow()
			return a, false
		}
		return a.MapGeneric(&winnt.FileObject.Mapping), true
	}
	p := d.Parts()
	dacl, err := p.DACL.Map(form)
	sacl, err2 := p.SACL.Map(form)
	switch {
	case refused || err != nil || err2 != nil:
		return nil, ntstatus.InvalidACL
	case dacl == p.DACL && sacl == p.SACL:
		return d, ntstatus.Success
	}
	p.DACL, p.SACL = dacl, sacl
	return sd.New(p), ntstatus.Success
}

// NamesSession reports whether an entry names a logon session (S-1-5-5-x-y): as its trustee, in its condition or in its
// attribute. It returns false for the zero ACE. Bytes that only look like one count, too.
func NamesSession(a sd.ACE) bool {
	const tail = "\x00\x00\x00\x00\x00\x05\x05\x00\x00\x00" // authority 5, first sub-authority 5
	b := a.Binary()
	for at := 0; ; {
		i := strings.Index(b[at:], tail)
		if i < 0 {
			return false
		}
		// In front are the revision and the number of sub-authorities.
		if at += i; at >= 2 && b[at-2] == 1 && b[at-1] >= 1 && b[at-1] <= 15 {
			return true
		}
		at++
	}
}

// isSession reports whether s begins with S-1-5-5, as the SIDs of logon sessions do.
func isSession(s sid.SID) bool {
	return s.Authority() == 5 && s.SubAuthorities() > 0 && s.Sub(0) == 5
}

// StoresGeneric reports whether an entry has generic bits that a file must not store (F-201). Servers treat them
// differently: some map them in the check, others ignore them.
func StoresGeneric(a sd.ACE) bool { return a.MapGeneric(&winnt.FileObject.Mapping) != a }

// Heritable returns the entries of a directory's list that a new file can inherit: those that name no logon session
// (F-200). It also removes deny entries, because their session has ended, or another server wrote them. It returns l
// itself if it removes nothing, and nil for a nil list.
func Heritable(l *sd.ACL) *sd.ACL {
	kept, err := l.Map(func(a sd.ACE) (sd.ACE, bool) { return a, !NamesSession(a) })
	if err != nil { // unreachable: it is shorter than l
		return l
	}
	return kept
}

// StoredWhole returns a whole descriptor in the form in which it is stored for a file, as [Stored] does. It is an error
// if owner, group or DACL is missing, or if the stored form would lose an entry, an owner or a flag (M-51). A flag that
// asks for inheritance (AR), and an entry for a logon session, are errors.
func StoredWhole(d *sd.Descriptor) (*sd.Descriptor, error) {
	const never = sd.DACLAutoInheritRequest | sd.SACLAutoInheritRequest
	switch {
	case d == nil || d.Owner().IsZero() || d.Group().IsZero() || d.Control()&sd.DACLPresent == 0:
		return nil, errors.New("the descriptor is incomplete: owner, group or DACL is missing")
	case d.Control()&never != 0:
		return nil, errors.New("the flag AR of the descriptor is not stored")
	}
	for _, list := range []*sd.ACL{d.DACL(), d.SACL()} {
		for _, a := range list.All() {
			if NamesSession(a) {
				return nil, errors.New("an entry of the descriptor names a logon session (S-1-5-5-x-y), which is not stored")
			}
		}
	}
	stored, st := Stored(d)
	if st != ntstatus.Success {
		return nil, fmt.Errorf("the descriptor is not stored as it is: %w", st.Err())
	}
	return stored, nil
}
