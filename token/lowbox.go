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
	Capabilities []Group // S-1-15-3-x; attributes 0 mean SE_GROUP_ENABLED
	LowPrivilege bool    // LPAC
	Number       uint32  // fresh for each package and session; the caller counts
	ModifiedID   winnt.LUID
}

// LowBox returns an AppContainer token made from t. It is primary, has the lower of integrity Low and the level of t,
// and has the package and capabilities (T-69). Its default DACL also admits the package, so that code in the
// AppContainer can access the objects that it creates (T-131). It fails with STATUS_INVALID_PARAMETER in these cases:
//   - The package or a capability is no such SID.
//   - There are too many capabilities.
//   - t is already the token of an AppContainer. Another package would lift that one's limits.
func (t *Token) LowBox(spec LowBoxSpec) (*Token, ntstatus.Status) {
	// A package is S-1-15-2-x, and an AppContainer gets no second one (T-69).
	if !isPackage(spec.Package) || t.IsAppContainer() {
		return nil, ntstatus.InvalidParameter
	}
	for _, c := range spec.Capabilities {
		// A capability is S-1-15-3-x (T-69).
		if !isCapability(c.SID) {
			return nil, ntstatus.InvalidParameter
		}
	}
	if validateGroups("capabilities", spec.Capabilities, 0, MaxGroups) != nil {
		return nil, ntstatus.InvalidParameter
	}
	n := t
	// An AppContainer has integrity Low, or its previous level if that is lower (T-69).
	if t.integrityAt == 0 || t.integrity > winnt.SECURITY_MANDATORY_LOW_RID {
		level := sid.LowLevel
		if t.integrityAt == 0 {
			level = sid.UntrustedLevel // a token without a level is Untrusted and must not gain integrity
		}
		var st ntstatus.Status
		if n, st = t.WithIntegrity(spec.ModifiedID, level); st != ntstatus.Success {
			return nil, st
		}
	}
	// The receiver's body is shared with other values: the package goes into a copy.
	n = n.withBody(spec.ModifiedID, func(b *body) {
		b.pkg = spec.Package.Clone()
		b.capabilities = newList(withAttributes(spec.Capabilities, winnt.SE_GROUP_ENABLED))
		b.lowPrivilege, b.lowBoxNumber = spec.LowPrivilege, spec.Number
	})
	// An AppContainer's token is primary (T-69), and a primary token has no
	// level of its own (T-54).
	n.typ, n.level = uint8(winnt.TokenPrimary), 0
	n.dacl = AdmitPackage(n.dacl, spec.Package, winnt.GENERIC_ALL)
	n.charged = max(n.charged, n.dynamicNeed(n.PrimaryGroup(), n.dacl))
	return n, ntstatus.Success
}

// AdmitPackage returns the DACL with an ACE at its end that grants mask to an AppContainer package (T-131). It returns
// nil for a nil DACL, which is no list or grants everything. It returns the list unchanged if an ACE already grants
// the mask, or if there is no space for another.
func AdmitPackage(dacl *sd.ACL, pkg sid.SID, mask winnt.AccessMask) *sd.ACL {
	if dacl == nil {
		return nil
	}
	for _, a := range dacl.All() {
		if a.Type() == sd.AccessAllowed && a.Flags() == 0 && a.SID() == pkg && a.Mask()&mask == mask {
			return dacl
		}
	}
	a, err := sd.NewACE(sd.AccessAllowed, 0, mask, pkg)
	if err != nil {
		return dacl
	}
	longer, err := sd.NewACL(append(dacl.Slice(), a)...)
	if err != nil {
		return dacl
	}
	return longer
}
