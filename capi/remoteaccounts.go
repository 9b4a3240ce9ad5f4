//go:build cgo && linux

package main

import (
	"slices"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// user returns the SID of the user of this program's process at the daemon.
func (d *attached) user() sid.SID {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, _ := d.own.NtQueryInformationToken(winnt.NtCurrentProcessToken, winnt.TokenUser)
	u, _ := v.(token.Group)
	return u.SID
}

// callLSA calls a service on the LSA policy, opened with the given right, on the library's own thread, which never
// impersonates. ok is false unless the status is STATUS_SUCCESS.
func callLSA[O any](d *attached, right winnt.AccessMask, name string, in func(winnt.Handle) any) (out O, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, st := d.own.CallRow(rows()["LsaOpenPolicy"], nt.LsaOpenPolicyIn{DesiredAccess: right})
	if !st.IsSuccess() {
		return out, false
	}
	h := v.(nt.LsaOpenPolicyOut).PolicyHandle
	defer d.own.CallRow(rows()["LsaClose"], nt.LsaCloseIn{ObjectHandle: h})
	v, st = d.own.CallRow(rows()[name], in(h))
	out, _ = v.(O)
	return out, st == ntstatus.Success
}

// LookupName returns the account with a name from the daemon. It returns false for an unknown name and if the daemon
// refuses or fails.
func (d *attached) LookupName(name string) (logon.Account, bool) {
	out, ok := callLSA[nt.LsaLookupNames2Out](d, winnt.POLICY_LOOKUP_NAMES, "LsaLookupNames2", func(h winnt.Handle) any {
		return nt.LsaLookupNames2In{PolicyHandle: h, Names: []string{name}}
	})
	if !ok || len(out.SIDs) != 1 {
		return logon.Account{}, false
	}
	return d.LookupSID(out.SIDs[0].SID)
}

// LookupSID returns the account or domain with a SID from the daemon. It returns false for an unknown SID and if the
// daemon refuses or fails. A name in no domain leaves Domain empty.
func (d *attached) LookupSID(s sid.SID) (logon.Account, bool) {
	out, ok := callLSA[nt.LsaLookupSidsOut](d, winnt.POLICY_LOOKUP_NAMES, "LsaLookupSids", func(h winnt.Handle) any {
		return nt.LsaLookupSidsIn{PolicyHandle: h, SIDs: []sid.SID{s}}
	})
	if !ok || len(out.Names) != 1 {
		return logon.Account{}, false
	}
	a := logon.Account{SID: s, Use: out.Names[0].Use, Name: out.Names[0].Name}
	if i := int(out.Names[0].DomainIndex); i >= 0 && i < len(out.ReferencedDomains) {
		a.Domain, a.DomainSID = out.ReferencedDomains[i].Name, out.ReferencedDomains[i].SID
	}
	return a, true
}

// Computer returns the domain of the daemon's own accounts, with zero fields if the daemon refuses or fails.
func (d *attached) Computer() logon.Account {
	out, _ := callLSA[nt.LsaQueryInformationPolicyOut](d, winnt.POLICY_VIEW_LOCAL_INFORMATION, "LsaQueryInformationPolicy",
		func(h winnt.Handle) any {
			return nt.LsaQueryInformationPolicyIn{PolicyHandle: h, InformationClass: winnt.PolicyAccountDomainInformation}
		})
	return logon.Account{SID: out.Buffer.DomainSID, Use: winnt.SidTypeDomain, Domain: out.Buffer.DomainName,
		DomainSID: out.Buffer.DomainSID}
}

// creator returns the identity of a token's user as the creator of a private object, from the information that
// TOKEN_QUERY allows. The first failing query gives the status, and the identity is then incomplete. Only enabled
// privileges count.
func (r *remote) creator(h winnt.Handle) (*sd.Caller, ntstatus.Status) {
	var st ntstatus.Status
	ask := func(class winnt.TokenInfoClass) (v any) {
		if st.IsSuccess() {
			var out nt.QueryInformationTokenOut
			out, st = r.NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: h, TokenInformationClass: class,
				TokenInformationLength: ^uint32(0)})
			v = out.TokenInformation
		}
		return v
	}
	user, _ := ask(winnt.TokenUser).(token.Group)
	groups, _ := ask(winnt.TokenGroups).([]token.Group)
	privileges, _ := ask(winnt.TokenPrivileges).([]nt.LUIDAndAttributes)
	label, _ := ask(winnt.TokenIntegrityLevel).(token.Group)
	c := &sd.Caller{Integrity: label.SID, MayOwn: func(o sid.SID) bool {
		const want, not = winnt.SE_GROUP_OWNER | winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_USE_FOR_DENY_ONLY
		return o == user.SID || slices.ContainsFunc(groups, func(g token.Group) bool {
			return g.SID == o && g.Attributes&(want|not) == want
		})
	}}
	c.Owner, _ = ask(winnt.TokenOwner).(sid.SID)
	c.Group, _ = ask(winnt.TokenPrimaryGroup).(sid.SID)
	c.DefaultDACL, _ = ask(winnt.TokenDefaultDacl).(*sd.ACL)
	c.Trust, _ = ask(winnt.TokenProcessTrustLevel).(sid.SID)
	c.ServerOwner, c.ServerGroup = c.Owner, c.Group
	for p, to := range map[winnt.Privilege]*bool{winnt.SeRestorePrivilege: &c.Restore,
		winnt.SeSecurityPrivilege: &c.Security, winnt.SeRelabelPrivilege: &c.Relabel} {
		*to = slices.ContainsFunc(privileges, func(l nt.LUIDAndAttributes) bool {
			return l.LUID == p.LUID() && l.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0
		})
	}
	return c, st
}
