package gateway

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// reasons captures the explanation that refmond sends for a thread's last access check, if it sends one.
type reasons struct{ explanation *access.Explanation }

// Traced stores the explanation of a finished call, which may be nil, in place of that of the call before.
func (r *reasons) Traced(c *nt.Call) { r.explanation = c.Why.Explanation }

// pageWidth is the number of columns of an explanation on a page. Entries without an effect are counted (U-122).
const pageWidth = 120

// text returns the explanation as text with names of file rights. name returns the name of a SID, "" if it has none.
// text returns "" if refmond sent no explanation.
func (r *reasons) text(name func(sid.SID) string) string {
	if r.explanation == nil {
		return ""
	}
	record := r.explanation.Record()
	record.Type = winnt.FileObject.Name
	return explained(record.Explanation(), name)
}

// explained returns an explanation as text of a page. name returns the name of a SID, "" if it has none. Control
// characters become U+FFFD.
func explained(x *access.Explanation, name func(sid.SID) string) string {
	return x.Show(pageWidth, func(s sid.SID) string { return printable.Line(name(s)) },
		func(_ access.Mark, text string) string { return printable.Text(text) })
}

// maxNamed limits the SIDs of a list for which a page asks for names.
const maxNamed = 256

// namesIn looks up the SIDs of a DACL with the rights of the client and returns a function that returns their names.
// It returns "" for a SID that refmond does not resolve, that is not in the DACL, or after the first maxNamed.
func (q *request) namesIn(d *sd.Descriptor) func(sid.SID) string {
	var list []sid.SID
	known := map[sid.SID]string{}
	for _, a := range d.DACL().All() {
		if _, again := known[a.SID()]; !again && !a.SID().IsZero() && len(list) < maxNamed {
			list, known[a.SID()] = append(list, a.SID()), ""
		}
	}
	for i, name := range q.names(list) {
		known[list[i]] = name
	}
	return func(s sid.SID) string { return known[s] }
}

// granting returns the explanation of a granted access check, which refmond does not explain. The gateway repeats the
// check with twin, its copy of the token. If twin is nil, the check cannot be repeated, or its result differs from
// granted, the text has only the granted rights (G-28). name returns the name of a SID.
func (q *request) granting(d *sd.Descriptor, twin *token.Token, desired, granted winnt.AccessMask,
	name func(sid.SID) string) (text string) {
	text = "GRANTED " + granted.String() + " " + winnt.FileObject.Names(granted) + "\n"
	if twin == nil {
		return text
	}
	_ = q.evaluate(func() error {
		decision, why, err := access.Explain(&access.Request{Descriptor: d, Subject: access.SubjectOf(twin),
			Desired: desired, Type: winnt.FileObject})
		if err == nil && decision.Allowed() && decision.Granted == granted {
			text = explained(why, name)
		}
		return err
	})
	return text
}

// twinOf returns a copy of the token tok for access checks in the gateway: its user, groups, privileges and restricted
// SIDs. It returns nil if the gateway cannot read tok.
func twinOf(th *nt.Thread, tok winnt.Handle) *token.Token {
	user, st1 := th.NtQueryInformationToken(tok, winnt.TokenUser)
	groups, st2 := th.NtQueryInformationToken(tok, winnt.TokenGroups)
	privileges, st3 := th.NtQueryInformationToken(tok, winnt.TokenPrivileges)
	restricted, st4 := th.NtQueryInformationToken(tok, winnt.TokenRestrictedSids)
	for _, st := range []ntstatus.Status{st1, st2, st3, st4} {
		if st != ntstatus.Success {
			return nil
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
		return nil
	}
	return twin
}
