package token

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// LowBoxSpec holds the parameters of NtCreateLowBoxToken.
type LowBoxSpec struct {
	Package      sid.SID // S-1-15-2-x
	Capabilities []Group // S-1-15-3-x; attributes 0 stand for SE_GROUP_ENABLED
	LowPrivilege bool    // LPAC
	Number       uint32  // fresh for each package and session; the caller counts
	ModifiedID   winnt.LUID
}

// LowBox returns the AppContainer token made of t: primary, integrity Low (or
// what it had below that), with package and capabilities (T-69). Its default
// DACL also admits the package, so that code in the AppContainer reaches what
// it makes (T-131).
//
// STATUS_INVALID_PARAMETER: the package or a capability is no such SID, there
// are too many, or t is an AppContainer's already, whose limits another package
// would lift.
func (t *Token) LowBox(l LowBoxSpec) (*Token, ntstatus.Status) {
	// A package is S-1-15-2-x, and an AppContainer gets no second one (T-69).
	if !isPackage(l.Package) || t.IsAppContainer() {
		return nil, ntstatus.InvalidParameter
	}
	for _, c := range l.Capabilities {
		// A capability is S-1-15-3-x (T-69).
		if !isCapability(c.SID) {
			return nil, ntstatus.InvalidParameter
		}
	}
	if validateList("capabilities", l.Capabilities, 0, MaxGroups) != nil {
		return nil, ntstatus.InvalidParameter
	}
	n := t
	// An AppContainer has integrity Low, or what it had below that (T-69).
	if t.integrityAt == 0 || t.integrity > winnt.SECURITY_MANDATORY_LOW_RID {
		level := sid.LowLevel
		if t.integrityAt == 0 {
			level = sid.UntrustedLevel // none counts as Untrusted: never a rise
		}
		var st ntstatus.Status
		if n, st = t.WithIntegrity(l.ModifiedID, level); st != ntstatus.Success {
			return nil, st
		}
	}
	// The receiver's body is shared with other values: the package goes into a copy.
	n = n.withBody(l.ModifiedID, func(b *body) {
		b.pkg = l.Package.Clone()
		b.capabilities = newList(withAttributes(l.Capabilities, winnt.SE_GROUP_ENABLED))
		b.lowPrivilege, b.lowBoxNumber = l.LowPrivilege, l.Number
	})
	// An AppContainer's token is primary (T-69), and a primary token has no
	// level of its own (T-54).
	n.typ, n.level = uint8(winnt.TokenPrimary), 0
	n.dacl = AdmitPackage(n.dacl, l.Package, winnt.GENERIC_ALL)
	n.charged = max(n.charged, n.dynamicNeed(n.PrimaryGroup(), n.dacl))
	return n, ntstatus.Success
}

// AdmitPackage returns the list with an entry at its end that grants a package
// the mask (T-131). nil, which grants everything or is no list at all, stays
// nil; a list without room for another entry stays as it is.
func AdmitPackage(list *sd.ACL, pkg sid.SID, mask winnt.AccessMask) *sd.ACL {
	if list == nil {
		return nil
	}
	a, err := sd.NewACE(sd.AccessAllowed, 0, mask, pkg)
	if err != nil {
		return list
	}
	longer, err := sd.NewACL(append(list.Slice(), a)...)
	if err != nil {
		return list
	}
	return longer
}
