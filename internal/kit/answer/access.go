package answer

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// request makes the request of an access check for a file object. A malformed token, descriptor, SID, GUID or policy is
// an error. An empty SDHex is a nil descriptor. Policies that are nil stay nil.
func request(in *kit.AccessIn) (*access.Request, error) {
	t, err := newToken(in.Token)
	if err != nil {
		return nil, err
	}
	d, err := decode(in.SDHex)
	if err != nil {
		return nil, err
	}
	r := &access.Request{Descriptor: d, Subject: access.SubjectOf(t), Desired: winnt.AccessMask(in.Desired),
		Type: winnt.FileObject, Mapping: mapping(in.Mapping)}
	if in.SelfSID != "" {
		if r.Self, err = sid.Parse(in.SelfSID); err != nil {
			return nil, invalid(err)
		}
	}
	for _, o := range in.ObjectTypes {
		g, err := winnt.ParseGUID(o.GUID)
		if err != nil {
			return nil, err
		}
		r.ObjectTypes = append(r.ObjectTypes, access.ObjectTypeEntry{Level: uint16(o.Level), GUID: g})
	}
	if in.Policies != nil {
		r.Policies, err = policies(in.Policies)
	}
	return r, err
}

// policies decodes the central access policies of a question. The set is empty, never nil, if list is. A rule
// without AppliesTo applies to every object. A malformed SID, descriptor or condition is an error.
func policies(list []kit.PolicyIn) (*access.PolicySet, error) {
	set := new(access.PolicySet)
	for _, in := range list {
		id, err := sid.Parse(in.ID)
		if err != nil {
			return nil, invalid(err)
		}
		p := access.Policy{ID: id}
		for _, rule := range in.Rules {
			d, err := decode(rule.SDHex)
			if err != nil {
				return nil, err
			}
			out := access.Rule{Descriptor: d}
			if rule.AppliesTo != "" {
				if out.AppliesTo, _, err = claims.ParseExpr(rule.AppliesTo, claims.ParseOptions{}); err != nil {
					return nil, invalid(err)
				}
			}
			p.Rules = append(p.Rules, out)
		}
		set.Policies = append(set.Policies, p)
	}
	return set, nil
}

// accessCheck answers with the status, the granted rights and the privileges used (an empty list if none). A
// denial is an answer. Only a malformed question is an error.
func accessCheck(in *kit.AccessIn) (*kit.Out, error) {
	r, err := request(in)
	if err != nil {
		return nil, err
	}
	d, err := access.SeAccessCheck(r)
	if err != nil {
		return nil, err
	}
	names := append([]string{}, d.PrivilegesUsed.Names()...)
	granted := oracle.Word(d.Granted)
	return &kit.Out{Status: d.Status().String(), Granted: &granted, Privileges: &names}, nil
}

// accessCheckList answers with one status and mask for each object type, in the question's order. Only a
// malformed question is an error.
func accessCheckList(in *kit.AccessIn) (*kit.Out, error) {
	r, err := request(in)
	if err != nil {
		return nil, err
	}
	nodes, _, err := access.CheckResultList(r)
	if err != nil {
		return nil, err
	}
	out := new(kit.Out)
	for _, n := range nodes {
		out.Results = append(out.Results, oracle.Node{Status: n.Status().String(), Granted: oracle.Word(n.Granted)})
	}
	return out, nil
}

// everyOutcome records all accesses to objects.
var everyOutcome = func() *audit.Policy {
	system := map[audit.Subcategory]audit.Setting{}
	for s := range audit.Subcategories {
		system[s] = audit.OnSuccess | audit.OnFailure
	}
	p, err := audit.NewPolicy(audit.PolicySpec{System: system})
	if err != nil {
		panic("answer: " + err.Error()) // the policy is a constant
	}
	return p
}()

// auditCheck returns whether the SACL causes an audit, and which entries would alone. Every kind of audit is enabled.
// Entries has the indexes of these entries and is never nil. A success counts as a grant of in.Granted. An unknown
// status and a malformed request are errors.
func auditCheck(in *kit.AuditIn) (*kit.Out, error) {
	r, err := request(&in.AccessIn)
	if err != nil {
		return nil, err
	}
	st, ok := ntstatus.Parse(in.Status)
	if !ok {
		return nil, fmt.Errorf("unknown status %q", in.Status)
	}
	dec := access.Refuse(st)
	if st.IsSuccess() {
		dec = access.Grant(winnt.AccessMask(in.Granted))
	}
	whole := everyOutcome.Evaluate("File", r, dec, nil)
	recorded, entries := whole.Success || whole.Failure, []int{}
	full := r.Descriptor
	for i, a := range full.SACL().All() {
		one, err := sd.NewACL(a)
		if err != nil {
			return nil, err
		}
		r.Descriptor = sd.New(sd.Parts{Control: full.Control(), Owner: full.Owner(), Group: full.Group(),
			DACL: full.DACL(),
			SACL: one})
		if v := everyOutcome.Evaluate("File", r, dec, nil); v.Success || v.Failure {
			entries = append(entries, i)
		}
	}
	return &kit.Out{Recorded: &recorded, Entries: &entries}, nil
}
