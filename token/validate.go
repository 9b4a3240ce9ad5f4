package token

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const (
	invalidOwner        = ntstatus.InvalidOwner
	invalidPrimaryGroup = ntstatus.InvalidPrimaryGroup
)

// SpecError reports which field of a Spec is wrong. errors.Is matches it with
// its Status as an error.
type SpecError struct {
	Field   string // in the spelling of the token file, such as groups[1]
	Problem string // the actual and the expected value
	Status  ntstatus.Status
}

// Error returns the field, the problem and the status.
func (e *SpecError) Error() string {
	return fmt.Sprintf("token: %s: %s: %s", e.Field, e.Problem, e.Status)
}

// Unwrap returns the status as an error.
func (e *SpecError) Unwrap() error { return e.Status.Err() }

// fieldError returns a [*SpecError] for a field with a wrong value. valid says what a right one is.
func fieldError(field string, value any, status ntstatus.Status, valid string) error {
	return &SpecError{field, fmt.Sprintf("%v: %s", value, valid), status}
}

// validate checks that a token can have the values of the spec, and returns a [*SpecError] if not. New calls it
// first. It does not check owner and primary group, which defaults does.
func (s *Spec) validate() error {
	if err := s.validateScalars(); err != nil {
		return err
	}
	if err := s.validateGroups(); err != nil {
		return err
	}
	for _, l := range []struct {
		field string
		gs    []Group
	}{{"restrictedSids", s.Restricted}, {"deviceGroups", s.DeviceGroups},
		{"restrictedDeviceGroups", s.RestrictedDeviceGroups}, {"appContainer.capabilities", s.Capabilities}} {
		if err := validateGroups(l.field, l.gs, 0, MaxGroups); err != nil {
			return err
		}
	}
	return s.validateAppContainer()
}

// validateScalars checks the fields of the spec that have one value, in the order of the token file.
func (s *Spec) validateScalars() error {
	// Privileges are numbered from 2 to 36; 0 and 1 were never assigned.
	known := winnt.PrivilegeSet(1)<<(winnt.LastPrivilege+1) - winnt.PrivilegeSet(1)<<winnt.FirstPrivilege
	switch {
	case s.Type > winnt.TokenImpersonation:
		return fieldError("type", s.Type, ntstatus.BadTokenType, "want Primary or Impersonation")
	case s.Level > winnt.SecurityDelegation:
		return fieldError("impersonationLevel", s.Level, ntstatus.BadImpersonationLevel, "want 0 to 3")
	case (s.Privileges|s.EnabledPrivileges|s.DefaultPrivileges)&^known != 0:
		return fieldError("privileges", fmt.Sprintf("%#x", uint64(s.Privileges)), ntstatus.NoSuchPrivilege,
			"want privileges 2 to 36 only")
	case (s.EnabledPrivileges|s.DefaultPrivileges)&^s.Privileges != 0:
		return fieldError("privileges", (s.EnabledPrivileges | s.DefaultPrivileges).Names(), ntstatus.InvalidParameter,
			"those enabled must be among those held")
	case s.MandatoryPolicy&^3 != 0:
		return fieldError("mandatoryPolicy", s.MandatoryPolicy, ntstatus.InvalidParameter, "want 0 to 3")
	case s.ElevationType > winnt.TokenElevationTypeLimited:
		return fieldError("elevationType", s.ElevationType, ntstatus.InvalidParameter, "want 1 to 3")
	case len(s.Source.Name) > MaxSourceName:
		return fieldError("source", s.Source.Name, ntstatus.InvalidParameter, "want at most 8 bytes")
	case len(s.AuditPolicy) != 0 && len(s.AuditPolicy) != AuditPolicySize:
		return fieldError("auditPolicy", len(s.AuditPolicy), ntstatus.InvalidParameter, "want 30 bytes")
	case s.WriteRestricted && !s.IsRestricted && len(s.Restricted) == 0:
		// A write-restricted token is always a restricted one (T-1).
		return fieldError("writeRestricted", true, ntstatus.InvalidParameter, "needs restricting SIDs")
	case !s.Integrity.IsZero() && !isIntegrity(s.Integrity):
		// An integrity level is a SID S-1-16-x (T-4).
		return fieldError("integrityLevel", s.Integrity, ntstatus.InvalidParameter, "want S-1-16-x")
	case !s.TrustLevel.IsZero() && s.TrustLevel.Authority() != 19:
		return fieldError("trustLevel", s.TrustLevel, ntstatus.InvalidParameter, "want S-1-19-x-y")
	}
	return nil
}

// validateGroups checks the user and groups of the spec: SIDs, attributes, and that at most one is an integrity
// level.
func (s *Spec) validateGroups() error {
	if s.User.SID.IsZero() {
		return &SpecError{"user", "missing, a token needs the SID of its user", ntstatus.InvalidSID}
	}
	if problem := wrongAttributes(s.User); problem != "" {
		return fieldError("user", s.User.SID, ntstatus.InvalidParameter, problem)
	}
	if s.User.Attributes&winnt.SE_GROUP_INTEGRITY != 0 {
		return fieldError("user", s.User.SID, ntstatus.InvalidParameter, "the user cannot carry Integrity")
	}
	most := MaxGroups
	if slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 }) {
		most++ // in addition to the groups, even if it is listed with them (T-4)
	}
	if err := validateGroups("groups", s.Groups, GroupDisabled, most); err != nil {
		return err
	}
	seen := false
	for i, g := range s.Groups {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
			continue
		}
		field := indexed("groups", i)
		// At most one group carries the integrity attribute, and it is an
		// integrity level (T-4).
		switch {
		case !isIntegrity(g.SID):
			return fieldError(field, g.SID, ntstatus.InvalidParameter, "Integrity is for S-1-16-x only")
		case seen:
			return fieldError(field, g.SID, ntstatus.InvalidParameter, "a second integrity entry, a token has one at most")
		case !s.Integrity.IsZero() && g.SID != s.Integrity:
			return fieldError(field, g.SID, ntstatus.InvalidParameter, "differs from the integrity level")
		}
		seen = true
	}
	return nil
}

// validateGroups checks a list of groups of the spec: at most limit of them, each with a SID and valid attributes.
// Attributes that equal allowed are valid too. field is the name for errors.
func validateGroups(field string, groups []Group, allowed uint32, limit int) error {
	if len(groups) > limit {
		return fieldError(field, len(groups), ntstatus.InvalidParameter, fmt.Sprintf("want at most %d entries", MaxGroups))
	}
	for i, g := range groups {
		if g.SID.IsZero() {
			return &SpecError{indexed(field, i), "no SID", ntstatus.InvalidSID}
		}
		// Only groups can be marked as disabled, and only with the allowed attributes (T-143).
		if g.Attributes == allowed {
			continue
		}
		if problem := wrongAttributes(g); problem != "" {
			return fieldError(indexed(field, i), g.SID, ntstatus.InvalidParameter, problem)
		}
	}
	return nil
}

// wrongAttributes returns a description of what is wrong with a group's attributes, or "" if they are valid.
func wrongAttributes(g Group) string {
	// SE_GROUP_LOGON_ID is two bits, which come together or not at all.
	const both = winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_USE_FOR_DENY_ONLY
	switch logon := g.Attributes & winnt.SE_GROUP_LOGON_ID; {
	case g.Attributes&^knownAttributes != 0, logon != 0 && logon != winnt.SE_GROUP_LOGON_ID:
		return fmt.Sprintf("%#x are not group attributes", g.Attributes)
	case g.Attributes&both == both:
		// No group is at once enabled and deny-only (T-3).
		return "cannot be both Enabled and UseForDenyOnly"
	case g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 && g.Attributes&both != 0:
		// An integrity entry never carries ENABLED, and stays in an
		// effective-only duplicate (T-48).
		return "an integrity entry is neither Enabled nor UseForDenyOnly"
	}
	return ""
}

// indexed returns the name of one entry of a list, such as groups[2].
func indexed(field string, index int) string { return fmt.Sprintf("%s[%d]", field, index) }

// validateAppContainer checks the AppContainer of the spec: the package must be S-1-15-2-x, and the capabilities
// S-1-15-3-x (T-69). A spec without a package can have no capabilities and no other AppContainer field.
func (s *Spec) validateAppContainer() error {
	if s.Package.IsZero() {
		if len(s.Capabilities) > 0 || s.LowPrivilege || s.LowBoxNumber != 0 {
			return &SpecError{"appContainer.packageSid", "missing, capabilities need one", ntstatus.InvalidParameter}
		}
		return nil
	}
	// The package of an AppContainer is S-1-15-2-x (T-69).
	if !isPackage(s.Package) {
		return fieldError("appContainer.packageSid", s.Package, ntstatus.InvalidParameter, "want S-1-15-2-x")
	}
	for i, g := range s.Capabilities {
		// The capabilities of an AppContainer are S-1-15-3-x (T-69).
		if !isCapability(g.SID) {
			return fieldError(indexed("appContainer.capabilities", i), g.SID, ntstatus.InvalidParameter, "want S-1-15-3-x")
		}
	}
	return nil
}

// isIntegrity reports whether a SID is S-1-16-x. It and the next two functions test authority and first sub-authority
// ([MS-DTYP] section 2.4.2.4).
func isIntegrity(s sid.SID) bool { return s.Authority() == 16 && s.SubAuthorities() == 1 }

// isPackage reports whether a SID is that of an AppContainer package, S-1-15-2-x.
func isPackage(s sid.SID) bool {
	return s.Authority() == 15 && s.SubAuthorities() >= 2 && s.Sub(0) == 2
}

// isCapability reports whether a SID is a capability, S-1-15-3-x.
func isCapability(s sid.SID) bool {
	return s.Authority() == 15 && s.SubAuthorities() >= 2 && s.Sub(0) == 3
}

// dynamicNeed returns how many bytes of the space in DynamicCharged a primary group and a default DACL take. A nil
// DACL takes none.
func (t *Token) dynamicNeed(group sid.SID, dacl *sd.ACL) uint32 {
	// TOKEN_DYNAMIC_CHARGED counts the binary forms of the two, the user's SID and
	// the groups are static.
	n := uint32(group.Len())
	if dacl != nil {
		n += uint32(dacl.Size())
	}
	return n
}
