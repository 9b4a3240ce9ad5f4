package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// invoke calls a service and returns its output. A failure status is an error. It panics for a service that the
// recorder does not support.
func invoke[O any](do gate, name string, in any) (O, error) {
	var none O
	out, st, err := findService(name)(do, in)
	if err == nil && !st.IsSuccess() {
		err = fmt.Errorf("%s: %w", name, st.Err())
	}
	if err != nil {
		return none, err
	}
	return out.(O), nil
}

// closeHandle closes a handle of the recorder and ignores errors.
func (a *asker) closeHandle(h winnt.Handle) {
	_, _ = invoke[nt.CloseOut](a.do, "NtClose", nt.CloseIn{Handle: h}) // a handle too many does no harm
}

// openOwn opens the token of this process with the rights desired. The caller closes the handle.
func (a *asker) openOwn(desired winnt.AccessMask) (winnt.Handle, error) {
	o, err := invoke[nt.OpenProcessTokenOut](a.do, "NtOpenProcessToken",
		nt.OpenProcessTokenIn{ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: desired})
	return o.TokenHandle, err
}

// information queries one class of a token. v is the zero value if the class has another type.
func information[T any](a *asker, h winnt.Handle, class winnt.TokenInfoClass) (v T, err error) {
	o, err := invoke[nt.QueryInformationTokenOut](a.do, "NtQueryInformationToken",
		nt.QueryInformationTokenIn{TokenHandle: h, TokenInformationClass: class, TokenInformationLength: 0xFFFFFFFF})
	if err != nil {
		return v, fmt.Errorf("%s: %w", class, err)
	}
	v, _ = o.TokenInformation.(T)
	return v, nil
}

// ownToken returns the token of this process as a token file. Classes that older systems do not have get their
// defaults. The first required class that cannot be read is the error. A disabled group keeps attributes 0.
func (a *asker) ownToken() (json.RawMessage, error) {
	h, err := a.openOwn(winnt.TOKEN_QUERY | winnt.TOKEN_QUERY_SOURCE)
	if err != nil {
		return nil, err
	}
	defer a.closeHandle(h)
	s := token.Spec{Type: winnt.TokenPrimary}
	need := func(err2 error) { // keeps the first error
		if err == nil {
			err = err2
		}
	}
	s.User, err = information[token.Group](a, h, winnt.TokenUser)
	var list []nt.LUIDAndAttributes
	var stats nt.TokenStatistics
	var level token.Group
	var err2 error
	s.Groups, err2 = information[[]token.Group](a, h, winnt.TokenGroups)
	need(err2)
	list, err2 = information[[]nt.LUIDAndAttributes](a, h, winnt.TokenPrivileges)
	need(err2)
	s.Owner, err2 = information[sid.SID](a, h, winnt.TokenOwner)
	need(err2)
	s.PrimaryGroup, err2 = information[sid.SID](a, h, winnt.TokenPrimaryGroup)
	need(err2)
	s.DefaultDACL, err2 = information[*sd.ACL](a, h, winnt.TokenDefaultDacl)
	need(err2)
	stats, err2 = information[nt.TokenStatistics](a, h, winnt.TokenStatistics)
	need(err2)
	level, err2 = information[token.Group](a, h, winnt.TokenIntegrityLevel)
	need(err2)
	if err != nil {
		return nil, err
	}
	s.AuthenticationID, s.ModifiedID, s.Integrity = stats.AuthenticationID, stats.ModifiedID, level.SID
	// What follows is not on every system; its absence means the default.
	s.SessionID, _ = information[uint32](a, h, winnt.TokenSessionId)
	s.ElevationType, _ = information[uint32](a, h, winnt.TokenElevationType)
	s.Source, _ = information[token.Source](a, h, winnt.TokenSource)
	s.Restricted, _ = information[[]token.Group](a, h, winnt.TokenRestrictedSids)
	if s.MandatoryPolicy, err2 = information[uint32](a, h, winnt.TokenMandatoryPolicy); err2 != nil {
		s.MandatoryPolicy = winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP | winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN
	}
	for _, p := range list {
		a.addPrivilege(&s, p)
	}
	// The system reports attributes 0 of a disabled group (T-144).
	s.Groups = token.AsGiven(withoutIntegrity(s.Groups))
	t, err := token.New(s)
	if err != nil {
		return nil, err
	}
	return t.MarshalJSON()
}

// addPrivilege adds a privilege that a token holds to s, with its state. It ignores an unknown one.
func (a *asker) addPrivilege(s *token.Spec, p nt.LUIDAndAttributes) {
	x := winnt.Privilege(p.LUID)
	if p.LUID > winnt.LUID(winnt.LastPrivilege) || !x.Valid() {
		return
	}
	s.Privileges |= x.Bit()
	if p.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0 {
		s.EnabledPrivileges |= x.Bit()
	}
	if p.Attributes&winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT != 0 {
		s.DefaultPrivileges |= x.Bit()
	}
}

// groupsOf returns the groups with the attributes that the token reports. The groups of its Spec are not suitable:
// they have a mark for token.New that no system knows (T-143).
func groupsOf(t *token.Token) (list []token.Group) {
	for _, g := range t.Groups() {
		list = append(list, g)
	}
	return list
}

// withoutIntegrity returns the groups without integrity levels, which a Spec has in a field of its own.
func withoutIntegrity(groups []token.Group) (list []token.Group) {
	for _, g := range groups {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 && !strings.HasPrefix(g.SID.String(), "S-1-16-") {
			list = append(list, g)
		}
	}
	return list
}

// enable enables privileges of this process. It returns false if the process does not have all of them. A failure to
// open the process token is false as well.
func (a *asker) enable(list ...winnt.Privilege) bool {
	h, err := a.openOwn(winnt.TOKEN_ADJUST_PRIVILEGES | winnt.TOKEN_QUERY)
	if err != nil {
		return false
	}
	defer a.closeHandle(h)
	in := nt.AdjustPrivilegesTokenIn{TokenHandle: h}
	for _, p := range list {
		in.NewState.V = append(in.NewState.V, nt.LUIDAndAttributes{LUID: p.LUID(),
			Attributes: winnt.SE_PRIVILEGE_ENABLED})
	}
	_, st, err := findService("NtAdjustPrivilegesToken")(a.do, in)
	return err == nil && st == ntstatus.Success // STATUS_NOT_ALL_ASSIGNED is informational
}

// make creates a token like t on this machine, of type typ. The caller closes the handle. A failed call is an error.
// Claims, device groups, trust levels, less privileged AppContainers and a mandatory policy that cannot be set are
// skipErrors.
func (a *asker) make(t *token.Token, typ winnt.TokenType) (h winnt.Handle, err error) {
	s := t.Spec()
	switch {
	case s.UserClaims.Len()+s.DeviceClaims.Len() > 0 || len(s.DeviceGroups) > 0:
		return 0, skip("a token with claims or device groups takes a call that is not documented")
	case s.LowPrivilege:
		return 0, skip("a less privileged AppContainer is made with a process only")
	case !s.TrustLevel.IsZero():
		return 0, skip("a trust level comes with the signature of a program")
	}
	in := nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS, TokenType: typ,
		AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), ExpirationTime: nt.Cap(int64(token.NeverExpires)),
		User: nt.Cap(&s.User), Groups: nt.Cap(withoutIntegrity(groupsOf(t))), Owner: nt.Cap(s.Owner),
		PrimaryGroup: nt.Cap(t.PrimaryGroup()),
		DefaultDACL:  nt.Cap(s.DefaultDACL), Source: nt.Cap(&token.Source{Name: "refmon"})}
	if typ == winnt.TokenImpersonation {
		in.ObjectAttributes = nt.Cap(
			&nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: t.Level()}})
	}
	if g := t.IntegrityLevel(); !g.SID.IsZero() {
		in.Groups.V = append(in.Groups.V, token.Group{SID: g.SID,
			Attributes: winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED})
	}
	in.Privileges.V = []nt.LUIDAndAttributes{}
	for p, attributes := range t.Privileges() {
		in.Privileges.V = append(in.Privileges.V, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: attributes})
	}
	o, err := invoke[nt.CreateTokenOut](a.do, "NtCreateToken", in)
	if err != nil {
		return 0, err
	}
	h = o.TokenHandle
	if t.MandatoryPolicy() != winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP|winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN {
		if _, err := invoke[nt.SetInformationTokenOut](a.do, "NtSetInformationToken",
			nt.SetInformationTokenIn{TokenHandle: h, TokenInformationClass: winnt.TokenMandatoryPolicy,
				TokenInformation: nt.Cap[any](t.MandatoryPolicy()), TokenInformationLength: 0xFFFFFFFF}); err != nil {
			a.closeHandle(h)
			return 0, skip("the token's mandatory policy: %v", err)
		}
	}
	if t.IsRestricted() {
		if h, err = a.restrict(h, t); err != nil {
			return 0, err
		}
	}
	if t.IsAppContainer() {
		return a.lowBox(h, t, typ)
	}
	return h, nil
}

// restrict replaces the token h by one with the restricting SIDs of t. It closes h, also on an error. It returns a
// skipError for a restricting SID that only denies.
func (a *asker) restrict(h winnt.Handle, t *token.Token) (winnt.Handle, error) {
	defer a.closeHandle(h)
	f := nt.FilterTokenIn{ExistingTokenHandle: h}
	for _, g := range t.Restricted() {
		if g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0 {
			return 0, skip("a restricting SID that only denies comes from a change of the token")
		}
		f.RestrictedSIDs.V = append(f.RestrictedSIDs.V, token.Group{SID: g.SID}) // the call wants no attributes
	}
	if t.WriteRestricted() {
		f.Flags = winnt.WRITE_RESTRICTED
	}
	r, err := invoke[nt.FilterTokenOut](a.do, "NtFilterToken", f)
	return r.NewTokenHandle, err
}

// lowBox replaces the token h by an AppContainer token like t. It closes h, also on an error. The call creates
// primary tokens only, so for another type it duplicates that.
func (a *asker) lowBox(h winnt.Handle, t *token.Token, typ winnt.TokenType) (winnt.Handle, error) {
	defer a.closeHandle(h)
	in := nt.CreateLowBoxTokenIn{ExistingTokenHandle: h, DesiredAccess: winnt.TOKEN_ALL_ACCESS,
		PackageSID: nt.Cap(t.Package())}
	for _, c := range t.Capabilities() {
		in.Capabilities.V = append(in.Capabilities.V, c)
	}
	box, err := invoke[nt.CreateLowBoxTokenOut](a.do, "NtCreateLowBoxToken", in)
	if err != nil || typ == winnt.TokenPrimary {
		return box.TokenHandle, err
	}
	defer a.closeHandle(box.TokenHandle)
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: t.Level()}
	d, err := invoke[nt.DuplicateTokenOut](a.do, "NtDuplicateToken",
		nt.DuplicateTokenIn{ExistingTokenHandle: box.TokenHandle, DesiredAccess: winnt.TOKEN_ALL_ACCESS, TokenType: typ,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{SecurityQualityOfService: qos})})
	return d.NewTokenHandle, err
}
