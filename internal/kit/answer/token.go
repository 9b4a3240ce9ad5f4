package answer

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// sids parses SIDs; nil stays nil. A malformed one is an error that wraps the one for invalid input.
func sids(texts []string) (out []sid.SID, err error) {
	for _, t := range texts {
		s, err := sid.Parse(t)
		if err != nil {
			return nil, invalid(err)
		}
		out = append(out, s)
	}
	return out, nil
}

// bare converts SIDs to groups without attributes, for example restricting SIDs. A malformed SID is an error.
func bare(texts []string) (out []token.Group, err error) {
	list, err := sids(texts)
	for _, s := range list {
		out = append(out, token.Group{SID: s})
	}
	return out, err
}

// groups converts the question's groups and their attributes, and keeps their order. The error for a malformed
// SID wraps errInvalid.
func groups(list []oracle.Group) (out []token.Group, err error) {
	for _, g := range list {
		s, err := sid.Parse(g.SID)
		if err != nil {
			return nil, invalid(err)
		}
		out = append(out, token.Group{SID: s, Attributes: uint32(g.Attributes)})
	}
	return token.AsGiven(out), nil
}

// privileges returns the set of privileges with these names; empty for no names. An unknown name is an error.
func privileges(names ...string) (set winnt.PrivilegeSet, err error) {
	for _, n := range names {
		p, err := winnt.ParsePrivilege(n)
		if err != nil {
			return 0, err
		}
		set |= p.Bit()
	}
	return set, nil
}

// newToken makes a token of the kit's form. Every type but "impersonation" makes a primary token. An unknown elevation
// is the default type. A nil t, a malformed SID and an unknown privilege are errors, and so is a token that token.New
// rejects.
func newToken(t *oracle.Token) (*token.Token, error) {
	if t == nil {
		return nil, fmt.Errorf("the question has no token")
	}
	spec := token.Spec{Type: winnt.TokenPrimary, Integrity: sid.IntegrityLevel(uint32(t.Integrity)),
		MandatoryPolicy: uint32(t.MandatoryPolicy), WriteRestricted: t.WriteRestricted, LowPrivilege: t.LowPrivilege,
		IsRestricted: t.Restricting != nil, Level: winnt.SecurityImpersonationLevel(t.Level),
		AuthenticationID: winnt.LUID(t.AuthenticationID), OriginatingLogon: winnt.LUID(t.OriginatingLogon)}
	if t.Type == "impersonation" {
		spec.Type = winnt.TokenImpersonation
	}
	spec.ElevationType = map[string]uint32{"full": winnt.TokenElevationTypeFull,
		"limited": winnt.TokenElevationTypeLimited}[t.Elevation]
	user, err := sid.Parse(t.User)
	if err != nil {
		return nil, invalid(err)
	}
	spec.User = token.Group{SID: user, Attributes: uint32(t.UserAttributes)}
	if spec.Groups, err = groups(t.Groups); err != nil {
		return nil, err
	}
	if spec.DeviceGroups, err = groups(t.DeviceGroups); err != nil {
		return nil, err
	}
	if spec.Restricted, err = bare(t.Restricting); err != nil {
		return nil, err
	}
	if spec.Capabilities, err = bare(t.Capabilities); err != nil {
		return nil, err
	}
	if t.AppContainer != "" {
		if spec.Package, err = sid.Parse(t.AppContainer); err != nil {
			return nil, invalid(err)
		}
	}
	for _, p := range t.Privileges {
		bit, err := privileges(p.Name)
		if err != nil {
			return nil, err
		}
		spec.Privileges |= bit
		if p.Attributes&1 != 0 {
			spec.DefaultPrivileges |= bit
		}
		if p.Attributes&2 != 0 {
			spec.EnabledPrivileges |= bit
		}
	}
	if spec.UserClaims, err = claimSet(t.UserClaims); err != nil {
		return nil, err
	}
	if spec.DeviceClaims, err = claimSet(t.DeviceClaims); err != nil {
		return nil, err
	}
	return token.New(spec)
}

// claimSet converts the question's claims; nil if there are none. A value that does not fit its type is an
// error that names the claim.
func claimSet(list []oracle.Claim) (*claims.Set, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var out []claims.Attribute
	for _, c := range list {
		a := claims.Attribute{Name: c.Name, Flags: uint32(c.Flags)}
		for _, v := range c.Values {
			if err := addValue(&a, c.Type, v); err != nil {
				return nil, fmt.Errorf("claim %q: %w", c.Name, err)
			}
		}
		out = append(out, a)
	}
	return claims.NewSet(out)
}

// addValue appends the text v to the values of a and sets a's type. An unknown type, or a text that is no value
// of typ, is an error.
func addValue(a *claims.Attribute, typ, v string) (err error) {
	switch typ {
	case "int64":
		var n int64
		n, err = strconv.ParseInt(v, 10, 64)
		a.Type, a.Ints = claims.Int64, append(a.Ints, n)
	case "uint64", "boolean":
		var n uint64
		n, err = strconv.ParseUint(v, 10, 64)
		if a.Type, a.Uints = claims.Uint64, append(a.Uints, n); typ == "boolean" {
			a.Type = claims.Boolean
		}
	case "string":
		a.Type, a.Strings = claims.String, append(a.Strings, v)
	case "sid":
		var s sid.SID
		s, err = sid.Parse(v)
		a.Type, a.SIDs = claims.SID, append(a.SIDs, s)
	case "octets":
		var b []byte
		b, err = hex.DecodeString(v)
		a.Type, a.Octets = claims.Octets, append(a.Octets, b)
	default:
		err = fmt.Errorf("unknown type %q", typ)
	}
	return err
}

// tokenOut returns the parts of a token that the kit compares. Integrity levels are no groups, and deny-only
// restricting SIDs are left out.
func tokenOut(t *token.Token) *oracle.Token {
	out := &oracle.Token{User: t.User().SID.String(), UserAttributes: oracle.Word(t.User().Attributes & 0x10),
		WriteRestricted: t.WriteRestricted(), Integrity: oracle.Word(t.Integrity()), Type: "primary",
		Level:           int(t.Level()),
		MandatoryPolicy: oracle.Word(t.MandatoryPolicy())}
	if t.Type() == winnt.TokenImpersonation {
		out.Type = "impersonation"
	}
	for _, g := range t.Groups() {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
			out.Groups = append(out.Groups, oracle.Group{SID: g.SID.String(), Attributes: oracle.Word(g.Attributes)})
		}
	}
	for p, a := range t.Privileges() {
		out.Privileges = append(out.Privileges, oracle.Privilege{Name: p.String(), Attributes: oracle.Word(a)})
	}
	if t.IsRestricted() {
		out.Restricting = []string{}
	}
	for _, g := range t.Restricted() {
		if g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0 {
			out.Restricting = append(out.Restricting, g.SID.String())
		}
	}
	return out
}

// result converts the outcome of an operation on a token to an answer: the status and, after a success, the token n.
func result(n *token.Token, st ntstatus.Status) *kit.Out {
	if !st.IsSuccess() {
		return &kit.Out{Status: st.String()}
	}
	return &kit.Out{Status: st.String(), Token: tokenOut(n)}
}

// filter answers with the filtered token or the status that refused it. An unknown privilege name or a
// malformed SID is an error.
func filter(in *oracle.Filtering) (*kit.Out, error) {
	t, err := newToken(in.Token)
	if err != nil {
		return nil, err
	}
	f := token.FilterSpec{Flags: uint32(in.Flags)}
	if f.Disable, err = sids(in.Disable); err != nil {
		return nil, err
	}
	if f.Restrict, err = bare(in.Restrict); err != nil {
		return nil, err
	}
	if f.Delete, err = privileges(in.Delete...); err != nil {
		return nil, err
	}
	return result(t.Filter(f)), nil
}

// adjustGroups answers with the adjusted token and the status, which may be STATUS_NOT_ALL_ASSIGNED. The error
// for a malformed SID wraps errInvalid.
func adjustGroups(in *kit.GroupsIn) (*kit.Out, error) {
	t, err := newToken(in.Token)
	if err != nil {
		return nil, err
	}
	var changes []token.Group
	for _, g := range in.Changes {
		s, err := sid.Parse(g.SID)
		if err != nil {
			return nil, invalid(err)
		}
		changes = append(changes, token.Group{SID: s, Attributes: uint32(g.Attributes)})
	}
	n, _, st := t.AdjustGroups(1, in.Reset, changes)
	return result(n, st), nil
}

// adjustPrivileges answers with the adjusted token and the status, which may be STATUS_NOT_ALL_ASSIGNED. An
// unknown privilege name is an error.
func adjustPrivileges(in *kit.PrivilegesIn) (*kit.Out, error) {
	t, err := newToken(in.Token)
	if err != nil {
		return nil, err
	}
	var changes []token.PrivilegeChange
	for _, p := range in.Changes {
		luid, err := winnt.ParsePrivilege(p.Name)
		if err != nil {
			return nil, err
		}
		changes = append(changes, token.PrivilegeChange{LUID: luid.LUID(), Attributes: uint32(p.Attributes)})
	}
	n, _, st := t.AdjustPrivileges(1, in.DisableAll, changes)
	return result(n, st), nil
}
