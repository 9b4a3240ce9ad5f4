package se

import (
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// mediumRID is the integrity of an object without a label.
const mediumRID = 0x2000

// DefaultDescriptor makes the descriptor of a new object whose creator passes none, like [NewDescriptor].
func DefaultDescriptor(creator *token.Token, typ *winnt.ObjectType) *sd.Descriptor {
	d, st := NewDescriptor(creator, typ, nil)
	if st != ntstatus.Success {
		// The default DACL is too long to be mapped (S-17), so the object grants nothing.
		d, _ = NewDescriptor(creator, typ, sd.New(sd.Parts{DACL: mustACL(nil)}))
	}
	return d
}

// NewDescriptor makes the descriptor of a new object of a type without a parent directory (O-38). It takes the parts
// of explicit, which may be nil, else owner, primary group and default DACL of the creator's token. It maps generic
// bits by the type, and adds the type's mandatory label (O-39). Entries that do not fit into one list are
// STATUS_INVALID_ACL (S-17).
func NewDescriptor(creator *token.Token, typ *winnt.ObjectType, explicit *sd.Descriptor) (*sd.Descriptor,
	ntstatus.Status) {
	// Each part comes from the explicit descriptor if that has it, and otherwise
	// from the creator's token ([MS-DTYP] section 2.5.3.4.1).
	p := sd.Parts{Owner: creator.Owner(), Group: creator.PrimaryGroup(), DACL: creator.DefaultDACL()}
	var audit *sd.ACL
	if explicit != nil {
		e := explicit.Parts()
		if !e.Owner.IsZero() {
			p.Owner = e.Owner
		}
		if !e.Group.IsZero() {
			p.Group = e.Group
		}
		if e.Control&sd.DACLPresent != 0 { // a NULL DACL counts as given
			p.DACL = e.DACL
			p.Control |= e.Control & (sd.DACLPresent | sd.DACLProtected)
		}
		audit = e.SACL
	}
	// Entries are mapped now, because the check maps the request and compares specific bits.
	var daclErr, saclErr error
	p.DACL, daclErr = mapACL(p.DACL, &typ.Mapping)
	if creator.IsAppContainer() && p.Control&sd.DACLPresent == 0 {
		switch typ {
		case winnt.TokenObject, winnt.ProcessObject, winnt.ThreadObject:
			// Code in an AppContainer can open its own token, process and thread, whatever its default DACL
			// says (T-131).
			p.DACL = token.AdmitPackage(p.DACL, creator.Package(), typ.Mapping.All)
		}
	}
	p.SACL, saclErr = labelledSACL(creator, typ, audit)
	if daclErr != nil || saclErr != nil {
		// A list that the creator passes can leave no space for the label (S-17).
		return nil, ntstatus.InvalidACL
	}
	if typ == winnt.TokenObject {
		p.Control |= sd.SACLAutoInherited // so a token's label is reported (O-39)
	}
	d := sd.New(p)
	if explicit != nil {
		d = d.Clone() // otherwise its parts would keep the creator's whole buffer alive
	}
	return d, ntstatus.Success
}

// mapACL maps the generic bits of every entry. It returns nil for nil, and acl itself if no entry has generic bits. The
// error is that of [sd.NewACL].
func mapACL(acl *sd.ACL, m *winnt.GenericMapping) (*sd.ACL, error) {
	if acl == nil {
		return nil, nil
	}
	// A list is copied for its generic bits only; most default DACLs have been
	// mapped before, and thousands of objects share one.
	generic := false
	for _, a := range acl.All() {
		generic = generic || a.Mask()&winnt.GENERIC_RIGHTS != 0
	}
	if !generic {
		return acl, nil
	}
	aces := make([]sd.ACE, 0, acl.Len())
	for _, a := range acl.All() {
		aces = append(aces, a.WithMask(m.Map(a.Mask())))
	}
	return sd.NewACL(aces...)
}

// labelledSACL returns the SACL of a new object: given, with the mandatory label that typ requires (O-39). given may
// be nil. If typ requires no label, the result is given. A label in given stays instead of the required one, or in
// addition to it if it is inherit-only. For tokens a label in given is dropped. The error is that of [sd.NewACL].
func labelledSACL(creator *token.Token, typ *winnt.ObjectType, given *sd.ACL) (*sd.ACL, error) {
	policy := winnt.AccessMask(0)
	ignoreGiven := false
	switch typ {
	case winnt.ProcessObject, winnt.ThreadObject:
		// A process or thread is labelled against writing and reading up (O-39).
		policy = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP | winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP
	case winnt.TokenObject:
		// A token is labelled against writing up, and a label in the caller's descriptor is ignored (O-39).
		policy, ignoreGiven = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, true
	default:
		if creator.Integrity() < mediumRID {
			// Another object is labelled only if its creator is below Medium (O-39).
			policy = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP
		}
	}
	if policy == 0 {
		return given, nil
	}
	var aces []sd.ACE
	labelled := false
	if given != nil {
		for _, a := range given.All() {
			if a.Type() == sd.SystemMandatoryLabel {
				if ignoreGiven {
					continue
				}
				labelled = labelled || a.Flags()&sd.InheritOnly == 0
			}
			aces = append(aces, a)
		}
	}
	if !labelled {
		aces = append([]sd.ACE{mustACE(sd.SystemMandatoryLabel, policy, IntegritySID(creator.Integrity()))}, aces...)
	}
	return sd.NewACL(aces...)
}

// IntegritySID returns S-1-16-rid, the SID of an integrity level. Every rid has one, also without a well-known name.
func IntegritySID(rid uint32) sid.SID {
	s, _ := sid.New(16, rid)
	return s
}

// CopyDescriptor makes the descriptor of the duplicate that opening an
// impersonation token with CopyOnOpen makes (I-23). It grants all access to the
// token's user, the primary token's user, LocalSystem, and Administrators if enabled
// in the primary token. If either token is restricted, it also grants RESTRICTED.
func CopyDescriptor(client, primary *token.Token) *sd.Descriptor {
	// The entries keep the order of I-23. All of them allow, so the order does
	// not affect any decision.
	aces := []sd.ACE{allow(client.User().SID)}
	if primary.User().SID != client.User().SID {
		aces = append(aces, allow(primary.User().SID))
	}
	aces = append(aces, allow(sid.LocalSystem))
	if primary.Member(sid.Administrators, false) { // enabled, not only present (I-23)
		aces = append(aces, allow(sid.Administrators))
	}
	if client.IsRestricted() || primary.IsRestricted() {
		aces = append(aces, allow(sid.Restricted))
	}
	return sd.New(sd.Parts{
		Control: sd.SACLAutoInherited,
		Owner:   client.Owner(), Group: client.PrimaryGroup(),
		DACL: mustACL(aces),
		SACL: mustACL([]sd.ACE{mustACE(sd.SystemMandatoryLabel, winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP,
			IntegritySID(client.Integrity()))}),
	})
}

// KeepLabel returns the descriptor of a token after its security was set to changed. The label of the old descriptor
// remains, because it follows the token's integrity. A request to change it only clears the mark that the list was
// inherited (O-39). Error: STATUS_INVALID_ACL if the list would be too long.
func KeepLabel(old, changed *sd.Descriptor, info uint32) (*sd.Descriptor, ntstatus.Status) {
	const parts = winnt.LABEL_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION | winnt.BACKUP_SECURITY_INFORMATION
	// Without a change to the SACL the label remains anyway.
	if info&parts == 0 {
		return changed, ntstatus.Success
	}
	var aces []sd.ACE
	for _, a := range old.SACL().All() {
		if a.Type() == sd.SystemMandatoryLabel {
			aces = append(aces, a)
		}
	}
	for _, a := range changed.SACL().All() {
		if a.Type() != sd.SystemMandatoryLabel {
			aces = append(aces, a)
		}
	}
	p := changed.Parts()
	p.Control &^= sd.SACLAutoInherited
	if p.SACL = nil; aces != nil {
		acl, err := sd.NewACL(aces...)
		if err != nil {
			return nil, ntstatus.InvalidACL
		}
		p.SACL = acl
	}
	return sd.New(p), ntstatus.Success
}

// allow returns an entry that grants TOKEN_ALL_ACCESS to s, for the default descriptors of tokens.
func allow(s sid.SID) sd.ACE { return mustACE(sd.AccessAllowed, winnt.TOKEN_ALL_ACCESS, s) }

// mustACE returns an entry whose parts cannot be malformed. It panics on an error, which is a bug in this package.
func mustACE(t sd.Type, m winnt.AccessMask, s sid.SID) sd.ACE {
	a, err := sd.NewACE(t, 0, m, s)
	if err != nil {
		panic(fmt.Sprintf("se: entry for %s: %v", s, err))
	}
	return a
}

// mustACL returns a list of the entries, which this package knows to be valid. It panics if they are too long for one
// list.
func mustACL(aces []sd.ACE) *sd.ACL {
	acl, err := sd.NewACL(aces...)
	if err != nil {
		panic(fmt.Sprintf("se: list of %d entries: %v", len(aces), err))
	}
	return acl
}

// defaultDescriptor caches the default descriptor for tokens that a creator makes, with the value of the creator's
// token that it was computed from.
type defaultDescriptor struct {
	creator *token.Token
	d       *sd.Descriptor
}

// DefaultTokenDescriptor returns the descriptor of a new token if its creator,
// who has this token, supplies none (O-38, T-47). It is computed once for each
// value.
func (t *TokenObject) DefaultTokenDescriptor() *sd.Descriptor {
	v := t.Value()
	if c := t.defSD.Load(); c != nil && c.creator == v {
		return c.d
	}
	c := &defaultDescriptor{v, DefaultDescriptor(v, winnt.TokenObject)}
	t.defSD.Store(c)
	return c.d
}
