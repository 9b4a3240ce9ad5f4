package sddl

import (
	"encoding/hex"
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Format returns the canonical text of the parts that options.Info selects. A nil descriptor gives "". The error wraps
// one of these statuses:
//   - STATUS_INVALID_ACL if an entry has no SDDL form and options.Extended is not set (S-45)
//   - STATUS_INVALID_SID if the owner or group has no sub-authority
func Format(d *sd.Descriptor, options Options) (string, error) {
	info := options.Info
	switch {
	case info == 0:
		info = everyPart
	case info&winnt.BACKUP_SECURITY_INFORMATION != 0:
		// A backup includes every part (S-44).
		info |= everyPart
	}
	b := make([]byte, 0, 256)
	var err error
	if info&winnt.OWNER_SECURITY_INFORMATION != 0 {
		if b, err = appendOwner(b, "O:", d.Owner(), options); err != nil {
			return "", err
		}
	}
	if info&winnt.GROUP_SECURITY_INFORMATION != 0 {
		if b, err = appendOwner(b, "G:", d.Group(), options); err != nil {
			return "", err
		}
	}
	if info&winnt.DACL_SECURITY_INFORMATION != 0 {
		if b, err = appendACL(b, "D:", d.Control(), daclFlags, d.DACL(), nil, options); err != nil {
			return "", err
		}
	}
	if info&(winnt.SACL_SECURITY_INFORMATION|saclParts) != 0 {
		var only func(sd.Type) bool
		if info&winnt.SACL_SECURITY_INFORMATION == 0 {
			only = func(t sd.Type) bool { return info&sd.PartOf(t) != 0 }
		}
		if b, err = appendACL(b, "S:", d.Control(), saclFlags, d.SACL(), only, options); err != nil {
			return "", err
		}
	}
	return string(b), nil
}

// Groups of SECURITY_INFORMATION bits.
const (
	everyPart = winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION |
		winnt.SACL_SECURITY_INFORMATION
	saclParts = winnt.LABEL_SECURITY_INFORMATION | winnt.ATTRIBUTE_SECURITY_INFORMATION |
		winnt.SCOPE_SECURITY_INFORMATION | winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION |
		winnt.ACCESS_FILTER_SECURITY_INFORMATION
)

// formatSID returns the alias of s, such as BA, or its text form S-1-… if there is none (S-10).
func formatSID(s, domain sid.SID) string {
	if a := sid.Alias(s, domain); a != "" {
		return a
	}
	return s.String()
}

// hasText reports whether SDDL can express s, so that its text parses back to s. The text of a SID without
// sub-authorities does not (S-7).
func hasText(s sid.SID) bool { return s.SubAuthorities() > 0 }

// appendOwner appends the section of an owner or group to b: tag, such as "O:", and the SID. It appends nothing for
// the zero SID. A SID without sub-authorities is an error (S-46).
func appendOwner(b []byte, tag string, owner sid.SID, options Options) ([]byte, error) {
	switch {
	case owner.IsZero():
		return b, nil
	case !hasText(owner):
		// A SID that no text reads back is not printed (S-46).
		return nil, fmt.Errorf("print %s %s has no sub-authority, so SDDL has no form for it: %w", tag, owner,
			ntstatus.InvalidSID.Err())
	}
	return append(append(b, tag...), formatSID(owner, options.Domain)...), nil
}

// FormatACE returns the text of one entry in parentheses. It fails like
// [Format].
func FormatACE(ace sd.ACE, options Options) (string, error) {
	b, err := appendACE(nil, ace, options)
	return string(b), err
}

// appendACL appends the section of a DACL or SACL to b: tag, control flags and entries. An absent list appends
// nothing. If only is not nil, it selects entries by type. Then a NULL list, or a list without a selected entry,
// appends nothing too.
func appendACL(b []byte, tag string, control sd.Control, flags listFlags, acl *sd.ACL, only func(sd.Type) bool,
	options Options) ([]byte, error) {
	if control&flags.present == 0 {
		return b, nil
	}
	start := len(b)
	b = append(b, tag...)
	// The flags of a list print in the order P, AR, AI (S-40).
	if control&flags.protected != 0 {
		b = append(b, 'P')
	}
	if control&flags.request != 0 {
		b = append(b, "AR"...)
	}
	if control&flags.inherited != 0 {
		b = append(b, "AI"...)
	}
	// A present NULL list prints as NO_ACCESS_CONTROL (S-42).
	if acl == nil {
		if only != nil {
			return b[:start], nil
		}
		return append(b, noAccessControl...), nil
	}
	shown := 0
	for i, a := range acl.All() {
		// Without the whole SACL only the requested types are printed (S-44).
		if only != nil && !only(a.Type()) {
			continue
		}
		var err error
		if b, err = appendACE(b, a, options); err != nil {
			return nil, fmt.Errorf("print %s ACE %d: %w", tag, i, err)
		}
		shown++
	}
	if only != nil && shown == 0 {
		return b[:start], nil
	}
	return b, nil
}

// appendACE appends the text of one ACE to b. If plain SDDL does not parse back to the same bytes, it uses the
// extended form, or fails if the options do not allow that.
func appendACE(b []byte, ace sd.ACE, options Options) ([]byte, error) {
	if ace == (sd.ACE{}) {
		return nil, fmt.Errorf("the zero entry has no SDDL form: %w", ntstatus.InvalidACL.Err())
	}
	start := len(b)
	for _, x := range aceTokens {
		if x.t != ace.Type() || !hasText(ace.SID()) {
			continue
		}
		b = appendFields(append(append(b, '('), x.name...), ace, options)
		if tail, ok := formatTail(ace, options); ok {
			return append(append(b, tail...), ')'), nil
		}
		b = b[:start]
	}
	// An entry without a token prints only in our extended form (S-45).
	if !options.Extended {
		return nil, fmt.Errorf("%s has no SDDL form here; set Extended to print it as bytes: %w", ace.Type(),
			ntstatus.InvalidACL.Err())
	}
	b = fmt.Appendf(b, "(0x%02x", uint8(ace.Type()))
	if f := (fields{t: ace.Type(), flags: ace.Flags(), mask: ace.Mask(), trustee: ace.SID(),
		data: []byte(ace.AppData())}); hasText(f.trustee) && (f.t.Layout() == sd.LayoutBasic || f.t.IsObject()) &&
		(f.t != sd.SystemResourceAttribute || f.mask == 0 && f.trustee == sid.Everyone) {
		f.object, f.inherits = guidPointer(ace.ObjectType()), guidPointer(ace.InheritedObjectType())
		if again, err := f.build(); err == nil && again == ace {
			b = appendFields(b, ace, options)
			return append(hex.AppendEncode(append(b, ";#"...), f.data), ')'), nil
		}
	}
	b = appendFlags(append(b, ';'), ace)
	b = append(b, ";;;;;#"...)
	return append(hex.AppendEncode(b, []byte(ace.Binary()[4:])), ')'), nil
}

// guidPointer returns a pointer to a GUID, or nil if ok is false. It takes both results of a function such as
// [sd.ACE.ObjectType].
func guidPointer(guid winnt.GUID, ok bool) *winnt.GUID {
	if !ok {
		return nil
	}
	return &guid
}

// appendFlags appends the flags field of an ACE to b, such as OICI, in the order of the table.
func appendFlags(b []byte, ace sd.ACE) []byte {
	for _, f := range aceFlags {
		if ace.Flags()&f.bit == 0 {
			continue
		}
		// The flag 0x40 prints as TP in an access filter, else as SA (S-40).
		if f.bit == sd.SuccessfulAccess && (f.name == "TP") != (ace.Type() == sd.SystemAccessFilter) {
			continue
		}
		b = append(b, f.name...)
	}
	return b
}

// appendFields appends the flags, rights, GUIDs and trustee of an ACE to b, each with the semicolon before it.
func appendFields(b []byte, ace sd.ACE, options Options) []byte {
	b = appendFlags(append(b, ';'), ace)
	b = append(append(b, ';'), formatRights(ace.Mask(), ace.Type() == sd.SystemMandatoryLabel)...)
	b = append(b, ';')
	if g, ok := ace.ObjectType(); ok {
		b = append(b, g.String()...)
	}
	b = append(b, ';')
	if g, ok := ace.InheritedObjectType(); ok {
		b = append(b, g.String()...)
	}
	return append(append(b, ';'), formatSID(ace.SID(), options.Domain)...)
}
