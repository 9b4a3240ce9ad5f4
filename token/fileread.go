package token

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/winnt"
)

// MaxFile is the maximum size of a token file, in bytes.
const MaxFile = 4 << 20

// Fields of the token file. The first two rows are in common use; the rest
// is for tokens that came out of an operation on another.
var (
	fileFields = []string{
		"user", "groups", "privileges", "type", "impersonationLevel", "integrityLevel", "mandatoryPolicy", "owner",
		"primaryGroup", "defaultDacl", "restrictedSids", "writeRestricted",
		"appContainer", "userClaims", "deviceClaims", "deviceGroups", "authenticationId", "sessionId", "source",
		"domain",
		"restricted", "sandboxInert", "restrictedDeviceGroups", "localAttributes", "elevationType", "trustLevel",
		"parentTokenId", "modifiedId", "originatingLogon", "sourceId", "expirationTime", "flags", "dynamicCharged",
		"restrictedUserClaims", "restrictedDeviceClaims", "auditPolicy", "isolationPrefix"}
	containerFields = []string{"packageSid", "capabilities", "lowPrivilege", "number"}
	groupFields     = []string{"sid", "attributes"}
	privilegeFields = []string{"name", "attributes"}
	claimFields     = []string{"name", "type", "values", "flags"}
)

// loc is a text of the token file with its path and offset. The reader resolves it to a SID or a DACL once the domain
// is known.
type loc struct {
	text string
	path string
	at   int
}

// rawGroup is a group before its SID is resolved.
type rawGroup struct {
	sid   loc
	attrs uint32
}

// rawClaim is a claim whose SIDs are not resolved yet.
type rawClaim struct {
	claims.Attribute
	sids []loc
}

// fileReader parses a token file. It keeps the fields as text first: aliases such as DU need the domain, which may be
// the last field. Its methods fail at the position of the wrong text.
type fileReader struct {
	strict.Reader
	spec Spec

	domain, owner, primary, dacl, level, trust, pkg    loc
	user                                               rawGroup
	groups, restricted, device, restrictedDevice, caps []rawGroup
	userClaims, deviceClaims, local                    []rawClaim
	restrictedUser, restrictedDeviceClaims             *[]rawClaim // nil: not given
	hasLevel, hasPolicy, hasType                       bool
}

// Parse parses a token file. Only the field user is required. The defaults are:
//   - The token is primary, with integrity Medium and policy NoWriteUp and NewProcessMin. An impersonation token has
//     level Impersonation. An integrity entry among the groups replaces Medium.
//   - The owner is the user. The primary group is the first group, or else the user.
//   - The default DACL gives the user and SYSTEM full access, and an AppContainer's package too.
//   - There are no groups, privileges, claims or restrictions.
//   - A group given as a bare SID is Mandatory, EnabledByDefault and Enabled. A privilege given as a bare name is
//     Enabled.
//
// Aliases such as DU are relative to the field domain, or to the user's domain. The error is a [*FileError] that names
// the field, also for an unknown field. It may wrap the error of New. The limits are MaxFile and MaxGroups.
func Parse(file []byte) (*Token, error) {
	if len(file) > MaxFile {
		return nil, &FileError{Offset: MaxFile, Problem: fmt.Sprintf("longer than %d bytes", MaxFile)}
	}
	r := fileReader{Reader: strict.Reader{Scanner: strict.Scanner{Bytes: file}}}
	t, err := r.read()
	if err != nil {
		return nil, fileError(file, err)
	}
	return t, nil
}

// read parses the whole file and returns its token. The error is of the JSON, of a SID or of New, so every token that
// a file describes is one that New accepts.
func (r *fileReader) read() (*Token, error) {
	if err := r.fields(fileFields, r.parseField); err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	if err := r.resolve(); err != nil {
		return nil, err
	}
	t, err := New(r.spec)
	if err != nil {
		return nil, r.refused(err)
	}
	return t, nil
}

// fields parses a JSON object. It calls parseField for each field, with the index of its name in names. A null field
// counts as absent. An unknown field is an error.
func (r *fileReader) fields(names []string, parseField func(i int) error) error {
	return r.Object(names, func(i int) error {
		if r.Null() {
			return nil
		}
		return parseField(i)
	})
}

// refused converts an error of New, for a token that the file describes, to a [*FileError]. Its Offset is set if the
// position of the field is known.
func (r *fileReader) refused(err error) error {
	var se *SpecError
	if !errors.As(err, &se) {
		return &FileError{Problem: err.Error(), Err: err}
	}
	out := &FileError{Path: se.Field, Problem: se.Problem + ": " + se.Status.String(), Err: err}
	// New names the field as the file does. Only these four fields have a recorded position.
	for _, l := range []loc{r.owner, r.primary, r.trust, r.pkg} {
		if l.path == se.Field {
			out.Offset = l.at
		}
	}
	return out
}

// parseField parses the value of one field of the token file. fieldIndex is that of its name in fileFields. It does
// not resolve SIDs, because the field domain may follow.
func (r *fileReader) parseField(fieldIndex int) (err error) {
	s := &r.spec
	switch name := fileFields[fieldIndex]; name {
	case "user":
		err = r.group(&r.user, 0)
	case "groups":
		err = r.groupList(&r.groups)
	case "restrictedSids":
		err = r.groupList(&r.restricted)
	case "deviceGroups":
		err = r.groupList(&r.device)
	case "restrictedDeviceGroups":
		err = r.groupList(&r.restrictedDevice)
	case "privileges":
		err = r.Array(64, r.privilege)
	case "domain":
		err = r.loc(name, &r.domain)
	case "owner":
		err = r.loc(name, &r.owner)
	case "primaryGroup":
		err = r.loc(name, &r.primary)
	case "defaultDacl":
		err = r.loc(name, &r.dacl)
	case "integrityLevel":
		err = r.loc(name, &r.level)
	case "trustLevel":
		err = r.loc(name, &r.trust)
	case "appContainer":
		if err = r.fields(containerFields, r.parseContainer); err == nil && r.pkg.path == "" {
			err = strict.Within("packageSid", r.Fail("missing"))
		}
	case "userClaims":
		err = r.claimList(&r.userClaims)
	case "deviceClaims":
		err = r.claimList(&r.deviceClaims)
	case "localAttributes":
		err = r.claimList(&r.local)
	case "restrictedUserClaims":
		r.restrictedUser = new([]rawClaim)
		err = r.claimList(r.restrictedUser)
	case "restrictedDeviceClaims":
		r.restrictedDeviceClaims = new([]rawClaim)
		err = r.claimList(r.restrictedDeviceClaims)
	case "writeRestricted":
		s.WriteRestricted, err = r.Boolean()
	case "restricted":
		s.IsRestricted, err = r.Boolean()
	case "sandboxInert":
		s.SandboxInert, err = r.Boolean()
	default:
		err = r.scalar(name)
	}
	return err
}

// scalar parses the value of the named field of the token file, if it is one number, word or list of words. New
// validates the combination of such fields.
func (r *fileReader) scalar(name string) (err error) {
	s := &r.spec
	var v uint64
	var w uint32
	switch name {
	case "type":
		w, err = r.oneOf(tokenTypes)
		s.Type, r.hasType = winnt.TokenType(w), true
	case "impersonationLevel":
		w, err = r.oneOf(levels)
		s.Level, r.hasLevel = winnt.SecurityImpersonationLevel(w), true
	case "mandatoryPolicy":
		s.MandatoryPolicy, err = r.words(policies)
		r.hasPolicy = true
	case "elevationType":
		s.ElevationType, err = r.oneOf(elevations)
	case "flags":
		s.Flags, err = r.words(fileFlags)
	case "authenticationId":
		v, err = r.Unsigned(64)
		s.AuthenticationID = winnt.LUID(v)
	case "parentTokenId":
		v, err = r.Unsigned(64)
		s.ParentTokenID = winnt.LUID(v)
	case "modifiedId":
		v, err = r.Unsigned(64)
		s.ModifiedID = winnt.LUID(v)
	case "originatingLogon":
		v, err = r.Unsigned(64)
		s.OriginatingLogon = winnt.LUID(v)
	case "sourceId":
		v, err = r.Unsigned(64)
		s.Source.ID = winnt.LUID(v)
	case "source":
		s.Source.Name, err = r.Text()
	case "sessionId":
		v, err = r.Unsigned(32)
		s.SessionID = uint32(v)
	case "dynamicCharged":
		v, err = r.Unsigned(32)
		s.DynamicCharged = uint32(v)
	case "expirationTime":
		s.ExpirationTime, err = r.signed()
	case "isolationPrefix":
		s.IsolationPrefix, err = r.Text()
	case "auditPolicy":
		s.AuditPolicy, err = r.hexText()
	}
	return err
}
