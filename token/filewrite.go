package token

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// file is a token file in the form that MarshalJSON writes, with its fields in the documented order.
type file struct {
	User               any            `json:"user"`
	Groups             []any          `json:"groups,omitempty"`
	Privileges         []any          `json:"privileges,omitempty"`
	Type               string         `json:"type"`
	ImpersonationLevel string         `json:"impersonationLevel,omitempty"`
	IntegrityLevel     string         `json:"integrityLevel,omitempty"`
	MandatoryPolicy    []string       `json:"mandatoryPolicy"`
	Owner              string         `json:"owner"`
	PrimaryGroup       string         `json:"primaryGroup"`
	DefaultDACL        string         `json:"defaultDacl"`
	RestrictedSIDs     []any          `json:"restrictedSids,omitempty"`
	WriteRestricted    bool           `json:"writeRestricted,omitempty"`
	AppContainer       *fileContainer `json:"appContainer,omitempty"`
	UserClaims         []fileClaim    `json:"userClaims,omitempty"`
	DeviceClaims       []fileClaim    `json:"deviceClaims,omitempty"`
	DeviceGroups       []any          `json:"deviceGroups,omitempty"`
	AuthenticationID   string         `json:"authenticationId,omitempty"`
	SessionID          uint32         `json:"sessionId,omitempty"`
	Source             string         `json:"source,omitempty"`

	Restricted             bool        `json:"restricted,omitempty"`
	SandboxInert           bool        `json:"sandboxInert,omitempty"`
	RestrictedDeviceGroups *[]any      `json:"restrictedDeviceGroups,omitempty"`
	LocalAttributes        []fileClaim `json:"localAttributes,omitempty"`
	ElevationType          string      `json:"elevationType,omitempty"`
	TrustLevel             string      `json:"trustLevel,omitempty"`
	ParentTokenID          string      `json:"parentTokenId,omitempty"`
	ModifiedID             string      `json:"modifiedId,omitempty"`
	OriginatingLogon       string      `json:"originatingLogon,omitempty"`
	SourceID               string      `json:"sourceId,omitempty"`
	ExpirationTime         any         `json:"expirationTime,omitempty"`
	Flags                  []string    `json:"flags,omitempty"`
	DynamicCharged         uint32      `json:"dynamicCharged,omitempty"`

	RestrictedUserClaims   *[]fileClaim `json:"restrictedUserClaims,omitempty"`
	RestrictedDeviceClaims *[]fileClaim `json:"restrictedDeviceClaims,omitempty"`
	AuditPolicy            string       `json:"auditPolicy,omitempty"`
	IsolationPrefix        string       `json:"isolationPrefix,omitempty"`
}

// fileContainer is the object appContainer of the file.
type fileContainer struct {
	PackageSID   string `json:"packageSid"`
	Capabilities []any  `json:"capabilities"`
	LowPrivilege bool   `json:"lowPrivilege"`
	Number       uint32 `json:"number,omitempty"`
}

// fileGroup is the JSON form of a group whose attributes are not the usual ones.
type fileGroup struct {
	SID        string   `json:"sid"`
	Attributes []string `json:"attributes"`
}

// filePrivilege is the JSON form of a privilege whose attributes are not Enabled alone.
type filePrivilege struct {
	Name       string   `json:"name"`
	Attributes []string `json:"attributes"`
}

// MarshalJSON returns a token file that Parse parses to the same value. SIDs have the form S-1-…. It leaves out a
// field with its default value if that default depends on no other field. It fails only for a default DACL that has no
// text form, and for a text that is not valid UTF-8.
func (t *Token) MarshalJSON() ([]byte, error) {
	f := file{
		User: groupFile(t.User(), 0), Privileges: t.privilegesFile(), Type: nameOf(tokenTypes, uint32(t.Type())),
		MandatoryPolicy: namesOf(policies, t.MandatoryPolicy()), Owner: t.Owner().String(),
		PrimaryGroup:   t.PrimaryGroup().String(),
		RestrictedSIDs: groupFiles(slices.All(t.Spec().Restricted), groupForce), WriteRestricted: t.WriteRestricted(),
		UserClaims: claimFile(t.UserClaims()), DeviceClaims: claimFile(t.DeviceClaims()),
		DeviceGroups:     groupFiles(t.DeviceGroups(), groupForce),
		AuthenticationID: luidFile(t.AuthenticationID()), SessionID: t.session, Source: t.body.source.Name,

		SandboxInert:    t.SandboxInert(),
		LocalAttributes: claimFile(t.LocalAttributes()), TrustLevel: t.body.trust.String(),
		ParentTokenID: luidFile(t.ParentTokenID()), ModifiedID: luidFile(t.modified),
		OriginatingLogon: luidFile(t.OriginatingLogon()),
		SourceID:         luidFile(t.body.source.ID),

		RestrictedUserClaims:   narrowed(t.body.restrictedUser),
		RestrictedDeviceClaims: narrowed(t.body.restrictedDeviceClaims),
		AuditPolicy:            hex.EncodeToString([]byte(t.body.auditPolicy)), IsolationPrefix: t.body.isolation,
	}
	// A list of restricting SIDs says that the token is restricted; only the
	// empty one needs the word (T-63).
	f.Restricted = t.IsRestricted() && len(f.RestrictedSIDs) == 0
	// An empty list restricts the device to nothing, and no list does not restrict it (T-67).
	if t.body.restrictedDevice != nil {
		list := groupFiles(t.RestrictedDeviceGroups(), groupForce)
		f.RestrictedDeviceGroups = &list
	}
	// A primary token has a level only if its duplication requested one (T-54).
	if t.Type() == winnt.TokenImpersonation || t.level != 0 {
		f.ImpersonationLevel = nameOf(levels, uint32(t.level))
	}
	if t.body.elevation != winnt.TokenElevationTypeDefault {
		f.ElevationType = nameOf(elevations, t.body.elevation)
	}
	if t.body.expiration != NeverExpires && t.body.expiration != 0 {
		f.ExpirationTime = exact(t.body.expiration)
	}
	f.Flags = namesOf(fileFlags, t.stored)
	// The file omits a value that New would compute.
	if need := max(dynamicMinimum, t.dynamicNeed(t.PrimaryGroup(), t.dacl)); t.charged != need {
		f.DynamicCharged = t.charged
	}
	f.Groups, f.IntegrityLevel = t.groupsFile()
	if t.IsAppContainer() {
		f.AppContainer = &fileContainer{t.body.pkg.String(), groupFiles(t.Capabilities(), winnt.SE_GROUP_ENABLED),
			t.body.lowPrivilege, t.body.lowBoxNumber}
	}
	var err error
	if f.DefaultDACL, err = daclFile(t.dacl); err != nil {
		return nil, err
	}
	if err := f.checkText(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&f); err != nil {
		return nil, fmt.Errorf("token: printing the token file: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// checkText returns an error if a text is not valid UTF-8. JSON would replace its bytes, and the file would describe
// another token.
func (f *file) checkText() error {
	texts := []string{f.Source, f.IsolationPrefix, f.DefaultDACL}
	lists := [][]fileClaim{f.UserClaims, f.DeviceClaims, f.LocalAttributes}
	for _, l := range []*[]fileClaim{f.RestrictedUserClaims, f.RestrictedDeviceClaims} {
		if l != nil {
			lists = append(lists, *l)
		}
	}
	for _, c := range slices.Concat(lists...) {
		texts = append(texts, c.Name)
		for _, v := range c.Values {
			if text, ok := v.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("token: printing the token file: %q is not valid UTF-8", text)
		}
	}
	return nil
}

// groupsFile returns the groups and the integrity level in the JSON form of a token file.
//   - integrity entry is the last group: level is its name, and groups omits it
//   - integrity entry elsewhere: it stays in groups, and level is ""
//   - no integrity entry: level is the word for none
func (t *Token) groupsFile() (groups []any, level string) {
	// The reader of a token file appends the level as the last group.
	gs := collect(t.Groups())
	// A file without a level means Medium. A token without an integrity entry must say so, or reading it back would
	// raise it from Untrusted.
	if t.integrityAt == 0 {
		level = noIntegrity
	} else if last := len(gs) - 1; gs[last] == t.IntegrityLevel() {
		gs, level = gs[:last], IntegrityName(t.integrity)
	}
	for _, g := range gs {
		groups = append(groups, groupFile(g, groupForce))
	}
	return groups, level
}

// groupFiles returns groups in the JSON form of a token file. Without groups it returns an empty list, because the
// field must appear in the file. defaults has the attributes that the reader assigns to a SID without attributes.
func groupFiles(groups func(func(int, Group) bool), defaults uint32) []any {
	out := []any{}
	for _, g := range groups {
		out = append(out, groupFile(g, defaults))
	}
	return out
}

// groupFile returns a group in the JSON form of a token file. This is the SID's text if the group has the default
// attributes, else a fileGroup.
func groupFile(group Group, defaults uint32) any {
	if group.Attributes == defaults {
		return group.SID.String()
	}
	return fileGroup{group.SID.String(), GroupAttributeNames(group.Attributes)}
}

// privilegesFile returns the privileges in the JSON form of a token file, nil for none. A privilege is only its name
// if it is enabled, but not by default. Any other is an object with its attributes.
func (t *Token) privilegesFile() []any {
	var out []any
	for p, a := range t.Privileges() {
		// ENABLED_BY_DEFAULT alone would be lost in a bare name: it is spelled out.
		if a == winnt.SE_PRIVILEGE_ENABLED {
			out = append(out, p.String())
		} else {
			out = append(out, filePrivilege{p.String(), namesOf(privilegeAttributes, a)})
		}
	}
	return out
}

// narrowed returns the claims that the restricted pass sees in the JSON form of a token file. A nil set, which is no
// such list, gives nil; an empty set gives an empty list.
func narrowed(s *claims.Set) *[]fileClaim {
	if s == nil {
		return nil
	}
	list := append([]fileClaim{}, claimFile(s)...) // [] for an empty set, which differs from no list
	return &list
}

// luidFile returns the text of a LUID for a token file. It is "" for 0, which the file omits.
func luidFile(l winnt.LUID) string {
	if l == 0 {
		return ""
	}
	return l.String()
}

// daclFile returns a default DACL in SDDL for a token file. nil gives a NULL DACL. It fails for a list that SDDL
// cannot express.
func daclFile(dacl *sd.ACL) (string, error) {
	d := sd.New(sd.Parts{Control: sd.DACLPresent, DACL: dacl})
	text, err := sddl.Format(d, sddl.Options{Domain: sid.SID{}, Extended: true})
	if err != nil {
		return "", fmt.Errorf("token: printing the default DACL: %w", err)
	}
	return text, nil
}
