//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// groupsOfAccount returns the SIDs whose entries apply to a trustee, for the effective rights: its own, Everyone, and
// for one of the two users with tokens the groups of its token. Any other SID has no groups but Everyone.
func groupsOfAccount(s sid.SID) map[sid.SID]bool {
	members := map[sid.SID]bool{s: true, sid.Everyone: true}
	var spec token.Spec
	switch s {
	case administratorUser:
		spec = token.Administrator(s)
	case standardUser:
		spec = token.StandardUser(s)
	}
	for _, g := range spec.Groups {
		members[g.SID] = true
	}
	return members
}

// rmAclRights implements GetEffectiveRightsFromAcl: it writes the rights that an ACL gives a trustee. With an output
// for failures it implements GetAuditedPermissionsFromAcl, whose rights come only from SYSTEM_AUDIT entries. Bad
// output pointers fail first. An invalid trustee or ACL returns its status. A NULL ACL is STATUS_INVALID_ACL.
func rmAclRights(c *call) uint64 {
	granted, failed := c.ptr(3), c.ptr(4)
	if st := c.ProbeU32(granted); st != ntstatus.Success {
		return status(st)
	}
	if failed != 0 {
		if st := c.ProbeU32(failed); st != ntstatus.Success {
			return status(st)
		}
	}
	b, st := c.Block(c.ptr(1), 32, 1)
	if st != ntstatus.Success {
		return status(st)
	}
	t, st := c.trusteeOf(b, c.boolean(2))
	if st != ntstatus.Success {
		return status(st)
	}
	list, st := c.ACLAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	if list == nil {
		return status(ntstatus.InvalidACL)
	}
	members := groupsOfAccount(t.sid)
	if failed == 0 {
		mask, st := effectiveRights(list, members)
		if st != ntstatus.Success {
			return status(st)
		}
		return status(c.WriteU32(granted, uint32(mask)))
	}
	var success, failure winnt.AccessMask
	for a := range entriesFor(list, members) {
		if a.Type() == sd.SystemAudit && a.Flags()&sd.SuccessfulAccess != 0 {
			success |= a.Mask()
		}
		if a.Type() == sd.SystemAudit && a.Flags()&sd.FailedAccess != 0 {
			failure |= a.Mask()
		}
	}
	if st := c.WriteU32(granted, uint32(success)); st != ntstatus.Success {
		return status(st)
	}
	return status(c.WriteU32(failed, uint32(failure)))
}

// entriesFor yields the entries of a list that apply to a trustee with the SIDs members, in order. It leaves out
// inherit-only entries. It yields nothing for a nil list.
func entriesFor(list *sd.ACL, members map[sid.SID]bool) func(func(sd.ACE) bool) {
	return func(yield func(sd.ACE) bool) {
		for _, a := range list.All() {
			if a.Flags()&sd.InheritOnly == 0 && members[a.SID()] && !yield(a) {
				return
			}
		}
	}
}

// effectiveRights computes the rights that a list's simple allow and deny entries give to a trustee with the SIDs
// members, in order. A list with an inherited deny entry is STATUS_INVALID_ACL, as in the documented function.
func effectiveRights(list *sd.ACL, members map[sid.SID]bool) (granted winnt.AccessMask, st ntstatus.Status) {
	for _, a := range list.All() {
		if a.Type() == sd.AccessDenied && a.Flags()&sd.Inherited != 0 {
			return 0, ntstatus.InvalidACL
		}
	}
	var denied winnt.AccessMask
	for a := range entriesFor(list, members) {
		switch a.Type() {
		case sd.AccessAllowed:
			granted |= a.Mask() &^ denied
		case sd.AccessDenied:
			denied |= a.Mask() &^ granted
		}
	}
	return granted, ntstatus.Success
}
