package gateway

import (
	"errors"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
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

// Traced stores the explanation of a finished call, which may be nil. It overwrites the previous call's explanation.
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

// explained formats an explanation as text for a page. name returns the name of a SID, "" if it has none. Control
// characters become U+FFFD.
func explained(x *access.Explanation, name func(sid.SID) string) string {
	return x.Show(pageWidth, func(s sid.SID) string { return printable.Line(name(s)) },
		func(_ access.Mark, text string) string { return printable.Text(text) })
}

// maxNamed is the most SIDs of one DACL whose names a page looks up.
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

// explainGrant returns the explanation of a granted access check, which refmond does not explain. It repeats the check
// with twin, the gateway's copy of the token. If twin is nil, the check cannot be repeated, or its result differs from
// granted, the text has only the granted rights (G-28). name returns the name of a SID.
func (q *request) explainGrant(d *sd.Descriptor, twin *token.Token, desired, granted winnt.AccessMask,
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

// twinOf returns a copy of the token tok for access checks in the gateway. The copy has every field of a logon's token
// that decides about access. twinOf returns nil if the gateway cannot read tok.
func twinOf(th *nt.Thread, tok winnt.Handle) *token.Token {
	st := ntstatus.Success
	read := func(class winnt.TokenInfoClass) (v any) {
		if st == ntstatus.Success {
			v, st = th.NtQueryInformationToken(tok, class)
		}
		return v
	}
	groups := func(class winnt.TokenInfoClass) []token.Group {
		list, _ := read(class).([]token.Group)
		return list
	}
	var invalid error
	attributes := func(class winnt.TokenInfoClass) *claims.Set {
		list, _ := read(class).([]claims.Attribute)
		set, err := claims.NewSet(list)
		invalid = errors.Join(invalid, err)
		return set
	}
	spec := token.Spec{Groups: token.AsGiven(groups(winnt.TokenGroups)),
		Restricted: groups(winnt.TokenRestrictedSids), DeviceGroups: groups(winnt.TokenDeviceGroups),
		UserClaims:   attributes(winnt.TokenUserClaimAttributes),
		DeviceClaims: attributes(winnt.TokenDeviceClaimAttributes)}
	spec.User, _ = read(winnt.TokenUser).(token.Group)
	spec.MandatoryPolicy, _ = read(winnt.TokenMandatoryPolicy).(uint32)
	held, _ := read(winnt.TokenPrivileges).([]nt.LUIDAndAttributes)
	for _, p := range held {
		one := winnt.Privileges(winnt.Privilege(p.LUID))
		spec.Privileges |= one
		if p.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0 {
			spec.EnabledPrivileges |= one
		}
	}
	twin, err := token.New(spec)
	if st != ntstatus.Success || invalid != nil || err != nil {
		return nil
	}
	return twin
}
