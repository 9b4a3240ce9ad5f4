package gateway

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// reasons keeps the explanation of the last call of a thread.
type reasons struct{ explanation *access.Explanation }

// Traced implements nt.Tracer.
func (r *reasons) Traced(c *nt.Call) { r.explanation = c.Why.Explanation }

// text returns what refmond explained, "" where it explained nothing. The call names no type of
// object, and rights would print as numbers: those of files are put in.
func (r *reasons) text() string {
	if r.explanation == nil {
		return ""
	}
	record := r.explanation.Record()
	record.Type = winnt.FileObject.Name
	return record.Explanation().String()
}

// granting says why access is allowed, which refmond does not: a check of the gateway's own
// with what the token tells of itself. Where that is not refmond's answer, the answer stands
// without entries (G-28).
func granting(th *nt.Thread, d *sd.Descriptor, tok winnt.Handle, desired, granted winnt.AccessMask) string {
	short := "GRANTED " + granted.String() + " " + winnt.FileObject.Names(granted) + "\n"
	user, st1 := th.NtQueryInformationToken(tok, winnt.TokenUser)
	groups, st2 := th.NtQueryInformationToken(tok, winnt.TokenGroups)
	privileges, st3 := th.NtQueryInformationToken(tok, winnt.TokenPrivileges)
	restricted, st4 := th.NtQueryInformationToken(tok, winnt.TokenRestrictedSids)
	for _, st := range []ntstatus.Status{st1, st2, st3, st4} {
		if st != ntstatus.Success {
			return short
		}
	}
	var spec token.Spec
	spec.User, _ = user.(token.Group)
	list, _ := groups.([]token.Group)
	spec.Groups = token.AsGiven(list)
	spec.Restricted, _ = restricted.([]token.Group)
	held, _ := privileges.([]nt.LUIDAndAttributes)
	for _, p := range held {
		one := winnt.Privileges(winnt.Privilege(p.LUID))
		spec.Privileges |= one
		if p.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0 {
			spec.EnabledPrivileges |= one
		}
	}
	twin, err := token.New(spec)
	if err != nil {
		return short
	}
	decision, why, err := access.Explain(&access.Request{Descriptor: d, Subject: access.SubjectOf(twin), Desired: desired,
		Type: winnt.FileObject})
	if err != nil || !decision.Allowed() || decision.Granted != granted {
		return short
	}
	return why.String()
}
