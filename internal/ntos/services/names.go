package services

import (
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// PolicyType is the object type of the policy of a computer.
var PolicyType = &ob.Type{ObjectType: winnt.PolicyObject}

// Policy is the policy object of this computer. Its descriptor protects the lookups of names and SIDs.
type Policy struct{ ob.Header }

// LsaOpenPolicy opens the policy of this computer. Another computer's SystemName gives STATUS_OBJECT_NAME_NOT_FOUND.
// The policy's descriptor decides. The handle is 0 after a failure. For ACCESS_SYSTEM_SECURITY it first requires
// SeSecurityPrivilege.
func (c *Context) LsaOpenPolicy(in nt.LsaOpenPolicyIn) (out nt.LsaOpenPolicyOut, st ntstatus.Status) {
	if in.SystemName != "" && !isComputer(c.Sys.LSA, in.SystemName) {
		// Only this computer's policy is here.
		return out, c.Fail("L-43", ntstatus.ObjectNameNotFound)
	}
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
		return out, st
	}
	subject := c.self.Subject()
	// The policy's descriptor decides, by the generic mapping of its type (L-40).
	out.PolicyHandle, st = ob.OpenByPointer(&c.Caller, c.Sys.Policy, subject, in.DesiredAccess, 0)
	return out, st
}

// isComputer reports whether a SystemName parameter names this computer. It ignores leading backslashes.
func isComputer(a logon.Authority, name string) bool {
	for len(name) > 0 && name[0] == '\\' {
		name = name[1:]
	}
	found, ok := a.LookupName(name)
	return ok && found.Use == winnt.SidTypeDomain && found.SID == a.Computer().SID
}

// LsaClose closes a policy handle. It refuses handles of other objects with STATUS_OBJECT_TYPE_MISMATCH. A handle
// that is protected from close is STATUS_HANDLE_NOT_CLOSABLE.
func (c *Context) LsaClose(in nt.LsaCloseIn) (out nt.LsaCloseOut, st ntstatus.Status) {
	if st := c.referencePolicy(in.ObjectHandle, 0); st != ntstatus.Success {
		return out, st
	}
	return out, c.Caller.Close(in.ObjectHandle)
}

// referencePolicy checks that a handle refers to the policy and grants a right. It takes no reference, because the
// policy lives as long as the system.
func (c *Context) referencePolicy(h winnt.Handle, right winnt.AccessMask) ntstatus.Status {
	p, _, st := ob.Reference[*Policy](&c.Caller, h, right, PolicyType)
	if st != ntstatus.Success {
		return st
	}
	p.Deref(ob.TagCall)
	return ntstatus.Success
}

// LsaQueryInformationPolicy returns the domain of this computer's accounts, the primary domain, which is always
// "WORKGROUP" without a SID, or the audited categories (L-44). The right that the handle needs depends on the class.
// Another class is STATUS_INVALID_PARAMETER, before the handle.
func (c *Context) LsaQueryInformationPolicy(in nt.LsaQueryInformationPolicyIn) (out nt.LsaQueryInformationPolicyOut,
	st ntstatus.Status) {
	right, name := winnt.POLICY_VIEW_LOCAL_INFORMATION, "POLICY_VIEW_LOCAL_INFORMATION"
	switch in.InformationClass {
	case winnt.PolicyPrimaryDomainInformation, winnt.PolicyAccountDomainInformation:
	case winnt.PolicyAuditEventsInformation:
		right, name = winnt.POLICY_VIEW_AUDIT_INFORMATION, "POLICY_VIEW_AUDIT_INFORMATION"
	default:
		// The right depends on the class, so the class is checked first.
		return out, c.Fail("L-44", ntstatus.InvalidParameter)
	}
	if st := c.referencePolicy(in.PolicyHandle, right); st != ntstatus.Success {
		return out, c.named("PolicyHandle", name, st)
	}
	switch in.InformationClass {
	case winnt.PolicyAuditEventsInformation:
		out.Buffer = auditEvents(c.Sys.Log.Policy.Load())
	case winnt.PolicyPrimaryDomainInformation:
		// A computer in a workgroup has a primary domain without a SID (L-44).
		out.Buffer.DomainName = "WORKGROUP"
	default:
		d := c.Sys.LSA.Computer()
		out.Buffer = nt.PolicyInformation{DomainName: d.Domain, DomainSID: d.SID}
	}
	return out, ntstatus.Success
}

// auditEvents converts the audit policy to the form of LsaQueryInformationPolicy, by category. An outcome counts for a
// category if one of its subcategories records it (L-78).
func auditEvents(p *audit.Policy) nt.PolicyInformation {
	info := nt.PolicyInformation{
		EventAuditingOptions: make([]winnt.PolicyAuditEventOptions, audit.CategoryAccountLogon+1)}
	for s := range audit.Subcategories {
		on := winnt.PolicyAuditEventOptions(0)
		if p.System(s).Has(audit.Success) {
			on |= winnt.POLICY_AUDIT_EVENT_SUCCESS
		}
		if p.System(s).Has(audit.Failure) {
			on |= winnt.POLICY_AUDIT_EVENT_FAILURE
		}
		info.EventAuditingOptions[s.Category()] |= on
		info.AuditingMode = info.AuditingMode || on != 0
	}
	for i, on := range info.EventAuditingOptions {
		if on == 0 {
			// A category without records has an option of its own (L-78).
			info.EventAuditingOptions[i] = winnt.POLICY_AUDIT_EVENT_NONE
		}
	}
	return info
}

// LsaLookupNames2 returns the SIDs of names. An unknown name gets the use SidTypeUnknown. The status is
// STATUS_SOME_NOT_MAPPED or STATUS_NONE_MAPPED if names are unknown (L-46). More than MaxLookup names, and unknown
// flags, are STATUS_INVALID_PARAMETER. The flags and the number of names come before the handle. The order is that of
// the names.
func (c *Context) LsaLookupNames2(in nt.LsaLookupNames2In) (out nt.LsaLookupNames2Out, st ntstatus.Status) {
	if in.Flags&^winnt.LSA_LOOKUP_ISOLATED_AS_LOCAL != 0 || len(in.Names) > nt.MaxLookup {
		// Only LSA_LOOKUP_ISOLATED_AS_LOCAL is a valid flag, and the number of names is limited.
		return out, c.Fail("L-45", ntstatus.InvalidParameter)
	}
	if st := c.referencePolicy(in.PolicyHandle, winnt.POLICY_LOOKUP_NAMES); st != ntstatus.Success {
		return out, c.named("PolicyHandle", "POLICY_LOOKUP_NAMES", st)
	}
	var d domains
	found := 0
	for _, name := range in.Names {
		a, ok := c.Sys.LSA.LookupName(name)
		if !ok {
			// An unknown name gets no SID. It gets the index of its domain if the domain is known (L-46).
			domain, _, qualified := logon.Split(name)
			out.SIDs = append(out.SIDs, nt.TranslatedSID{Use: winnt.SidTypeUnknown,
				DomainIndex: d.named(c.Sys.LSA, domain, qualified)})
			continue
		}
		found++
		out.SIDs = append(out.SIDs, nt.TranslatedSID{Use: a.Use, SID: a.SID, DomainIndex: d.of(&a)})
	}
	out.ReferencedDomains = d.list
	return out, c.mapped(found, len(in.Names))
}

// LsaLookupSids returns a name for each SID, in their order. An unmapped SID gets a text form and the type unknown.
// If none, or only some, are mapped, the status says so, as in LsaLookupNames2. No SIDs are a success. More than
// MaxLookup SIDs are STATUS_INVALID_PARAMETER, before the handle is used.
func (c *Context) LsaLookupSids(in nt.LsaLookupSidsIn) (out nt.LsaLookupSidsOut, st ntstatus.Status) {
	if len(in.SIDs) > nt.MaxLookup {
		return out, c.Fail("L-45", ntstatus.InvalidParameter)
	}
	if st := c.referencePolicy(in.PolicyHandle, winnt.POLICY_LOOKUP_NAMES); st != ntstatus.Success {
		return out, c.named("PolicyHandle", "POLICY_LOOKUP_NAMES", st)
	}
	var d domains
	found := 0
	for _, s := range in.SIDs {
		a, ok := c.Sys.LSA.LookupSID(s)
		if ok {
			found++
			out.Names = append(out.Names, nt.TranslatedName{Use: a.Use, Name: a.Name, DomainIndex: d.of(&a)})
			continue
		}
		out.Names = append(out.Names, d.unknown(c.Sys.LSA, s))
	}
	out.ReferencedDomains = d.list
	return out, c.mapped(found, len(in.SIDs))
}

// mapped returns the status of a lookup that found some of a number of names: success for all, STATUS_SOME_NOT_MAPPED
// for a part, STATUS_NONE_MAPPED for none (L-46). A lookup of no names succeeds.
func (c *Context) mapped(found, of int) ntstatus.Status {
	switch {
	case found == of:
		return ntstatus.Success
	case found > 0:
		return ntstatus.SomeNotMapped
	}
	return c.Fail("L-46", ntstatus.NoneMapped)
}

// domains is the list of domains in the output of a lookup of names or SIDs. The results refer to it by index, and each
// domain occurs once.
type domains struct {
	list []nt.TrustInformation
	at   map[nt.TrustInformation]int32
}

// of returns the index of an account's domain in the list, for the DomainIndex of a result. It appends a domain that is
// not in the list yet.
func (d *domains) of(a *logon.Account) int32 {
	t := nt.TrustInformation{Name: a.Domain, SID: a.DomainSID}
	i, ok := d.at[t]
	if !ok {
		if d.at == nil {
			d.at = map[nt.TrustInformation]int32{}
		}
		i = int32(len(d.list))
		d.list, d.at[t] = append(d.list, t), i
	}
	return i
}

// named returns the index of the domain of a name that has no account. A known domain that is not yet in the list is
// appended. A name without a domain (qualified is false) and an unknown domain return -1.
func (d *domains) named(a logon.Authority, name string, qualified bool) int32 {
	if !qualified {
		return -1
	}
	found, ok := a.LookupName(name)
	if !ok || found.Use != winnt.SidTypeDomain {
		return -1
	}
	return d.of(&found)
}

// unknown builds the result for a SID without a name: the RID as text if the SID's domain is known, else the whole SID
// (L-47). The zero SID gets the use SidTypeInvalid.
func (d *domains) unknown(a logon.Authority, s sid.SID) nt.TranslatedName {
	out := nt.TranslatedName{Use: winnt.SidTypeUnknown, Name: s.String(), DomainIndex: -1}
	switch found, ok := a.LookupSID(s.Prefix()); {
	case s.IsZero():
		out.Use, out.Name = winnt.SidTypeInvalid, ""
	case ok && found.Use == winnt.SidTypeDomain:
		out.Name, out.DomainIndex = hexadecimal(s.RID()), d.of(&found)
	}
	return out
}

// hexadecimal returns n as eight upper-case digits (MS-LSAT 3.1.4).
func hexadecimal(n uint32) string {
	const digits = "0123456789ABCDEF"
	var b [8]byte
	for i := range b {
		b[i] = digits[n>>(28-4*i)&15]
	}
	return string(b[:])
}
